-- How far each source's own list of events was seen, and whose turn it is to look again.

CREATE TABLE backfill (
    source TEXT NOT NULL PRIMARY KEY,
    turn BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    seen_until BIGINT
);
