-- Money that went out of a payment again, and the days without it.

-- Some event of the payment tells of money out, if only of some that came back.
ALTER TABLE payments ADD COLUMN out_known BIGINT NOT NULL DEFAULT 0;
-- Out now, in the smallest unit; the highest number where the amount is not known.
ALTER TABLE payments ADD COLUMN refunded BIGINT NOT NULL DEFAULT 0;
ALTER TABLE payments ADD COLUMN disputed BIGINT NOT NULL DEFAULT 0;
-- What that makes of the days, as the rules last found it (JSON), and the comment of its transfer, but for the days.
ALTER TABLE payments ADD COLUMN covered TEXT;
ALTER TABLE payments ADD COLUMN comment TEXT;
-- Of the days bought: covered by the money; taken off before they moved; moved and not covered; covered and not moved.
ALTER TABLE payments ADD COLUMN days_due BIGINT;
ALTER TABLE payments ADD COLUMN days_reduced BIGINT NOT NULL DEFAULT 0;
ALTER TABLE payments ADD COLUMN days_spent BIGINT NOT NULL DEFAULT 0;
ALTER TABLE payments ADD COLUMN days_owed BIGINT NOT NULL DEFAULT 0;
-- What was due when a person last decided, and how many days that person gave to a payment without a transfer.
ALTER TABLE payments ADD COLUMN due_decided BIGINT;
ALTER TABLE payments ADD COLUMN days_despite BIGINT;
-- Money out for which the channel was paused.
ALTER TABLE payments ADD COLUMN paused_out BIGINT NOT NULL DEFAULT 0;
-- `days_spent` or `days_owed` while that waits for a person.
ALTER TABLE payments ADD COLUMN gap TEXT;
ALTER TABLE payments ADD COLUMN gap_since BIGINT;
CREATE INDEX payments_gap ON payments (gap, gap_since, key, days_spent, days_owed) WHERE gap IS NOT NULL;

-- What was recorded before is weighed when the next event of its payment comes.
UPDATE payments SET out_known = 1 WHERE key IN (SELECT payment FROM events WHERE payment IS NOT NULL
    AND (facts LIKE '%"meaning":"Refund"%' OR facts LIKE '%"meaning":"MoneyOut"%'));

-- Every change of a payment's money out, oldest first; `payment` is the key of then.
CREATE TABLE adjustments (
    number {serial},
    payment TEXT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    amount BIGINT NOT NULL,
    days BIGINT,
    event TEXT NOT NULL,
    note TEXT NOT NULL
);
CREATE INDEX adjustments_by_payment ON adjustments (payment, number);
{adjustments_only_grow}
