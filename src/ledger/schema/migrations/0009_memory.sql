-- Where the ledger's memory begins, and where it is kept. One row.
CREATE TABLE origin (
    one BIGINT NOT NULL PRIMARY KEY,
    -- When it was made; nothing: it is older than this table. 0: it is new, and the time is told when it is opened.
    made_at BIGINT,
    -- How far back a person lets it grant.
    adopted_since BIGINT,
    -- The database server that it was last known on, and how often a person said that another one is right.
    server TEXT,
    servers BIGINT NOT NULL
);
INSERT INTO origin (one, made_at, servers) SELECT 1, CASE WHEN EXISTS (SELECT 1 FROM events) THEN NULL ELSE 0 END, 0;

-- Every source that there ever was: by it, the payments of one provider's accounts are found in other realms.
CREATE TABLE realm_sources (
    provider TEXT NOT NULL,
    realm TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (provider, realm, source)
);
