-- Workers that run. `beat_at` is by the database's clock, for those of the workers may differ.
CREATE TABLE workers (
    worker TEXT NOT NULL PRIMARY KEY,
    label TEXT NOT NULL,
    process TEXT NOT NULL,
    beat_at BIGINT NOT NULL
);

-- What a declaration held, so that it can be taken back as long as nothing was decided on it. `server`: the one that the
-- ledger knew before, where the declaration accepted another.
ALTER TABLE restorations ADD COLUMN undone_at BIGINT;
ALTER TABLE restorations ADD COLUMN server TEXT;
ALTER TABLE restorations ADD COLUMN audit BIGINT;
CREATE TABLE restored_transfers (
    restoration BIGINT NOT NULL,
    transfer TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    PRIMARY KEY (restoration, transfer)
);
