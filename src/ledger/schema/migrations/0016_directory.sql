-- Which channel a customer, a subscription or an alias stands for, as a person said.
CREATE TABLE directory (
    number {serial},
    realm TEXT NOT NULL,
    -- The connected account; '' where there is none.
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    channel TEXT NOT NULL,
    who TEXT NOT NULL,
    reason TEXT NOT NULL,
    at BIGINT NOT NULL,
    UNIQUE (realm, account, kind, id, channel)
);
CREATE INDEX directory_by_id ON directory (id, number);
CREATE INDEX directory_by_channel ON directory (channel, number);

-- The channels that the partner lists. A channel without an expiry that can be used sorts last.
CREATE TABLE listed_channels (
    account TEXT NOT NULL,
    channel TEXT NOT NULL,
    name TEXT,
    phone TEXT,
    mode TEXT,
    active_till BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (account, channel)
);
CREATE INDEX listed_channels_by_expiry ON listed_channels (active_till, account, channel);
-- When each account's list was read, and when a worker reads it next.
CREATE TABLE listings (
    account TEXT NOT NULL PRIMARY KEY,
    synced_at BIGINT,
    next_at BIGINT NOT NULL
);
