-- Of the days settled in a span: those in slices, and how many slices. And the days granted then that move in slices: for the
-- brake these count when they are granted, and no more when they move.
ALTER TABLE spent ADD COLUMN sliced_days BIGINT NOT NULL DEFAULT 0;
ALTER TABLE spent ADD COLUMN slices BIGINT NOT NULL DEFAULT 0;
ALTER TABLE spent ADD COLUMN granted_days BIGINT NOT NULL DEFAULT 0;
ALTER TABLE spent ADD COLUMN grants BIGINT NOT NULL DEFAULT 0;
