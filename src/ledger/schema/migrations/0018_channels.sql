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

-- How customers are reached, as the provider's objects tell it: `email` in small letters, `phone` in digits. For persons
-- who look for a customer; no payment is matched by it.
CREATE TABLE contacts (
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    realm TEXT NOT NULL,
    -- The connected account; '' where there is none.
    account TEXT NOT NULL,
    customer TEXT NOT NULL,
    told_at BIGINT NOT NULL,
    PRIMARY KEY (kind, value, realm, account, customer)
);
CREATE INDEX contacts_by_time ON contacts (told_at);
