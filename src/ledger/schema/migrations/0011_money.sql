-- Questions to a provider's API, numbered as they begin, over all workers. `asked` is the number of the question whose
-- answer an event holds: what was asked for earlier never replaces it.
CREATE TABLE questions (last BIGINT NOT NULL);
INSERT INTO questions (last) VALUES (0);
ALTER TABLE events ADD COLUMN asked BIGINT;

-- Of the days bought: those of money that came in after the payment had been granted.
ALTER TABLE payments ADD COLUMN days_more BIGINT NOT NULL DEFAULT 0;
