-- What lists, searches and decisions of operators need. {known}, {mode}, {settled_at} read JSON in either database;
-- {append_only} keeps the audit log from being changed.

ALTER TABLE payments ADD COLUMN state TEXT NOT NULL DEFAULT '';
ALTER TABLE payments ADD COLUMN customer TEXT;
-- What a person said that the events do not, or say wrongly.
ALTER TABLE payments ADD COLUMN set_channel TEXT;
ALTER TABLE payments ADD COLUMN set_days BIGINT;
UPDATE payments SET state = COALESCE((SELECT CASE t.state WHEN 'settled' THEN 'credited' WHEN 'intended' THEN 'planned'
    ELSE t.state END FROM transfers t WHERE t.payment = payments.key AND t.n = 1), decision);
CREATE INDEX payments_by_state ON payments (state, first_seen_at, key);
CREATE INDEX payments_by_source ON payments (source, first_seen_at, key);
CREATE INDEX payments_by_channel ON payments (channel, first_seen_at, key);
CREATE INDEX payments_by_customer ON payments (customer, first_seen_at, key);
CREATE INDEX payments_by_amount ON payments (amount, first_seen_at, key);

ALTER TABLE transfers ADD COLUMN settled_at BIGINT;
UPDATE transfers SET settled_at = {settled_at} WHERE state = 'settled';
CREATE INDEX transfers_settled ON transfers (account, settled_at, days) WHERE settled_at IS NOT NULL;
-- What an older worker settled while the schema changed; see `catch_up`.
CREATE INDEX transfers_unsummed ON transfers (key) WHERE state = 'settled' AND settled_at IS NULL;
CREATE INDEX transfers_of_channel ON transfers (account, channel, settled_at, state, days);
CREATE INDEX transfers_by_channel ON transfers (channel, created_at, key);

-- Over what is held only.
CREATE INDEX payments_by_cause ON payments (cause, since, key, days) WHERE decision = 'held';
CREATE INDEX transfers_by_cause ON transfers (cause, created_at, key, days) WHERE state = 'held';
CREATE INDEX events_by_cause ON events (held_cause, number, recorded_at) WHERE held_cause IS NOT NULL;

CREATE INDEX deliveries_by_time ON deliveries (received_at);
CREATE INDEX deliveries_by_outcome ON deliveries (outcome, number);
CREATE INDEX deliveries_by_cause ON deliveries (cause, number);
CREATE INDEX events_by_source ON events (source, number);
CREATE INDEX events_by_type ON events (event_type, number);
CREATE INDEX events_dead ON events (number) WHERE dead = 1;

-- A channel that was never read sorts last.
ALTER TABLE channels ADD COLUMN active_till BIGINT NOT NULL DEFAULT 9223372036854775807;
ALTER TABLE channels ADD COLUMN mode TEXT;
UPDATE channels SET active_till = COALESCE({known}, 9223372036854775807), mode = {mode};
CREATE INDEX channels_by_expiry ON channels (active_till, account, channel);

-- Days that were settled, by spans of ten minutes.
CREATE TABLE spent (
    account TEXT NOT NULL,
    slot BIGINT NOT NULL,
    days BIGINT NOT NULL,
    transfers BIGINT NOT NULL,
    PRIMARY KEY (account, slot)
);
INSERT INTO spent (account, slot, days, transfers)
    SELECT account, settled_at / 600000, SUM(days), COUNT(*) FROM transfers WHERE settled_at IS NOT NULL GROUP BY 1, 2;

-- Where no new call is made: for everything, an account or a channel. A row without an end holds.
CREATE TABLE pauses (
    number {serial},
    scope TEXT NOT NULL,
    cause TEXT NOT NULL,
    since BIGINT NOT NULL,
    who TEXT NOT NULL,
    reason TEXT NOT NULL,
    ended_at BIGINT
);
CREATE UNIQUE INDEX pauses_now ON pauses (scope) WHERE ended_at IS NULL;
CREATE INDEX pauses_ended ON pauses (scope, ended_at);

CREATE TABLE audit (
    number {serial},
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    key TEXT NOT NULL,
    reason TEXT NOT NULL,
    before TEXT,
    after TEXT
);
CREATE INDEX audit_by_key ON audit (key, number);
INSERT INTO audit (at, who, action, key, reason)
    SELECT at, who, 'held ' || decision, key, reason FROM decisions ORDER BY number;
DROP TABLE decisions;
{append_only}

-- Plans of before knew no progress; they are made anew.
DROP TABLE plans;
CREATE TABLE plans (
    number {serial},
    hash TEXT,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    selection TEXT NOT NULL,
    state TEXT NOT NULL,
    payments BIGINT NOT NULL,
    events BIGINT NOT NULL,
    skip BIGINT NOT NULL,
    extend BIGINT NOT NULL,
    held BIGINT NOT NULL,
    conflict BIGINT NOT NULL,
    days BIGINT NOT NULL,
    published BIGINT NOT NULL,
    applied_by TEXT,
    changed_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX plans_by_hash ON plans (hash);
CREATE INDEX plans_by_state ON plans (state, number);

CREATE TABLE plan_payments (
    plan BIGINT NOT NULL,
    payment TEXT NOT NULL,
    position BIGINT NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL,
    channel TEXT,
    days BIGINT,
    before BIGINT,
    after BIGINT,
    PRIMARY KEY (plan, payment)
);
CREATE INDEX plan_payments_by_position ON plan_payments (plan, position);
CREATE INDEX plan_payments_by_verdict ON plan_payments (plan, verdict, position);

-- One event to be published; `zlib` where it came from a file.
CREATE TABLE plan_events (
    plan BIGINT NOT NULL,
    position BIGINT NOT NULL,
    payment TEXT NOT NULL,
    event BIGINT,
    source TEXT NOT NULL,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    zlib {bytes},
    PRIMARY KEY (plan, position)
);
CREATE INDEX plan_events_by_payment ON plan_events (plan, payment, position);
CREATE INDEX plan_events_by_event ON plan_events (event);
