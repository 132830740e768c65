-- One text for both databases: {serial} and {bytes} are replaced when it is applied.
-- Times are ms since epoch, flags are 0 or 1, JSON is TEXT. Nothing here is ever deleted but `bodies`.

CREATE TABLE events (
    number {serial},
    source TEXT NOT NULL,
    event_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    event_type TEXT NOT NULL,
    content_type TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    dead BIGINT NOT NULL,
    facts TEXT,
    family TEXT,
    payment TEXT,
    held_cause TEXT,
    held_reason TEXT,
    UNIQUE (source, event_id, digest)
);
CREATE INDEX events_by_id ON events (event_id);
CREATE INDEX events_by_payment ON events (payment, number);
CREATE INDEX events_by_time ON events (received_at);
CREATE INDEX events_held ON events (number) WHERE held_cause IS NOT NULL;

-- What may be dropped one day to save room; the event's digest stays.
CREATE TABLE bodies (
    event BIGINT NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    zlib {bytes} NOT NULL
);

CREATE TABLE deliveries (
    number {serial},
    delivery TEXT NOT NULL UNIQUE,
    event BIGINT NOT NULL,
    cause TEXT NOT NULL,
    traceparent TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT
);
CREATE INDEX deliveries_by_event ON deliveries (event, number);

CREATE TABLE payments (
    key TEXT NOT NULL PRIMARY KEY,
    realm TEXT NOT NULL,
    account TEXT NOT NULL,
    livemode BIGINT NOT NULL,
    source TEXT NOT NULL,
    decision TEXT NOT NULL,
    cause TEXT,
    reason TEXT,
    next TEXT,
    channel TEXT,
    days BIGINT,
    amount BIGINT,
    currency TEXT,
    granted BIGINT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    since BIGINT NOT NULL,
    merged_into TEXT
);
CREATE INDEX payments_by_time ON payments (first_seen_at, key);
CREATE INDEX payments_held ON payments (since, key) WHERE decision = 'held';

CREATE TABLE aliases (
    realm TEXT NOT NULL,
    account TEXT NOT NULL,
    livemode BIGINT NOT NULL,
    id TEXT NOT NULL,
    strength BIGINT NOT NULL,
    payment TEXT NOT NULL,
    PRIMARY KEY (realm, account, livemode, id)
);
CREATE INDEX aliases_by_payment ON aliases (payment, strength, id);
CREATE INDEX aliases_by_id ON aliases (id);

CREATE TABLE transfers (
    key TEXT NOT NULL PRIMARY KEY,
    payment TEXT NOT NULL,
    n BIGINT NOT NULL,
    account TEXT NOT NULL,
    channel TEXT NOT NULL,
    days BIGINT NOT NULL,
    comment TEXT NOT NULL,
    state TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    open BIGINT NOT NULL,
    cause TEXT,
    due_at BIGINT,
    detail TEXT NOT NULL,
    traceparent TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (payment, n)
);
-- Rule 4: at most one open outcome per channel.
CREATE UNIQUE INDEX transfers_open ON transfers (account, channel) WHERE open = 1;
CREATE INDEX transfers_due ON transfers (account, channel, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX transfers_by_state ON transfers (state, created_at);
CREATE INDEX transfers_by_time ON transfers (created_at, key);
CREATE INDEX transfers_held ON transfers (account, cause, created_at) WHERE state = 'held';

CREATE TABLE steps (
    number {serial},
    transfer TEXT NOT NULL,
    at BIGINT NOT NULL,
    state TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    note TEXT NOT NULL,
    who TEXT
);
CREATE INDEX steps_by_transfer ON steps (transfer, number);

CREATE TABLE channels (
    account TEXT NOT NULL,
    channel TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    lease_owner TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    due_at BIGINT,
    deferred BIGINT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (account, channel)
);
CREATE INDEX channels_due ON channels (account, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX channels_leased ON channels (account, lease_until) WHERE lease_until > 0;
CREATE INDEX channels_deferred ON channels (account) WHERE deferred = 1;

CREATE TABLE movements (
    number {serial},
    account TEXT NOT NULL,
    channel TEXT NOT NULL,
    at BIGINT NOT NULL,
    low BIGINT NOT NULL,
    high BIGINT NOT NULL
);
CREATE INDEX movements_by_channel ON movements (account, channel, number);

-- A row only while the account's calls rest.
CREATE TABLE accounts (
    account TEXT NOT NULL PRIMARY KEY,
    news TEXT NOT NULL,
    since BIGINT NOT NULL,
    probe_at BIGINT NOT NULL,
    probe TEXT
);

CREATE TABLE source_rules (
    number {serial},
    realm TEXT NOT NULL,
    money_in TEXT NOT NULL,
    since BIGINT NOT NULL
);
CREATE INDEX source_rules_by_realm ON source_rules (realm, number);

CREATE TABLE plans (
    hash TEXT NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL,
    applied_at BIGINT,
    payments TEXT NOT NULL
);

CREATE TABLE decisions (
    number {serial},
    at BIGINT NOT NULL,
    key TEXT NOT NULL,
    decision TEXT NOT NULL,
    who TEXT NOT NULL,
    reason TEXT NOT NULL
);
