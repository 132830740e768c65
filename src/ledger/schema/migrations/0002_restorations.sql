-- Declarations that the ledger was restored from a backup; the last one counts.

CREATE TABLE restorations (
    number {serial},
    since BIGINT NOT NULL,
    declared_at BIGINT NOT NULL,
    who TEXT NOT NULL
);
CREATE INDEX restorations_by_time ON restorations (declared_at);
