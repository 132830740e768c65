-- Days that were on their way, or in doubt, when a person said what is on the balance: what she read may have them off already,
-- or not.
ALTER TABLE balance_marks ADD COLUMN under_way BIGINT NOT NULL DEFAULT 0;
