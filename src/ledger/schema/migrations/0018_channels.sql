-- Those that the partner lists in a mode, but for the commonest.
CREATE INDEX listed_channels_by_mode ON listed_channels (mode, active_till, account, channel) WHERE mode <> 'live';

-- Channels that nobody pays for, frozen as they were when a plan was made, and what became of each: `planned`, `unknown`
-- (from before the call until the partner's word is kept), `deleted`, `refused` or `left_out`.
CREATE TABLE retire_plans (
    hash TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    expired_for BIGINT,
    ended BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL
);
CREATE TABLE retire_channels (
    plan TEXT NOT NULL,
    position BIGINT NOT NULL,
    channel TEXT NOT NULL,
    name TEXT,
    phone TEXT,
    mode TEXT,
    active_till BIGINT NOT NULL,
    days BIGINT NOT NULL,
    payment TEXT,
    paid_at BIGINT,
    state TEXT NOT NULL,
    note TEXT,
    returned BIGINT,
    changed_at BIGINT,
    PRIMARY KEY (plan, channel)
);
