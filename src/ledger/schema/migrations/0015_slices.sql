-- Days that move in slices as they are used. What was granted before moves all at once, as it was planned.

-- Whether the payment's days move in slices; how many in one, where a price or a person says so, else what the settings
-- say when one is planned; which partner account pays them; and since when it is in its channel's queue.
ALTER TABLE payments ADD COLUMN sliced BIGINT NOT NULL DEFAULT 0;
ALTER TABLE payments ADD COLUMN slice BIGINT;
ALTER TABLE payments ADD COLUMN partner TEXT;
ALTER TABLE payments ADD COLUMN granted_at BIGINT;
-- Of a payment in slices: days that may have moved, days that are owed, and why none of these move although others of
-- the channel do.
ALTER TABLE payments ADD COLUMN days_moved BIGINT NOT NULL DEFAULT 0;
ALTER TABLE payments ADD COLUMN days_left BIGINT NOT NULL DEFAULT 0;
ALTER TABLE payments ADD COLUMN stopped TEXT;
-- Why a person, or the end of its agreement, stops it: `stopped` or `ended`.
ALTER TABLE payments ADD COLUMN stop TEXT;
ALTER TABLE payments ADD COLUMN stop_reason TEXT;
-- The number of its newest transfer; 0: it waits for others of its channel.
ALTER TABLE payments ADD COLUMN last_n BIGINT NOT NULL DEFAULT 1;
CREATE INDEX payments_queue ON payments (partner, channel, granted_at) WHERE days_left > 0;

-- Days of one in time; 0: it has all of its payment's. `live`: it is the one of its channel. `wanted_at`: it is sent then,
-- and not before.
ALTER TABLE transfers ADD COLUMN slice BIGINT NOT NULL DEFAULT 0;
ALTER TABLE transfers ADD COLUMN sliced BIGINT NOT NULL DEFAULT 0;
ALTER TABLE transfers ADD COLUMN live BIGINT NOT NULL DEFAULT 0;
ALTER TABLE transfers ADD COLUMN wanted_at BIGINT;
CREATE UNIQUE INDEX transfers_live ON transfers (account, channel) WHERE live = 1;
CREATE INDEX transfers_wanted ON transfers (account, channel) WHERE wanted_at IS NOT NULL;

-- When its slice is sent.
ALTER TABLE channels ADD COLUMN slice_at BIGINT;
CREATE INDEX channels_slices ON channels (account, slice_at) WHERE slice_at IS NOT NULL;

-- Days that a person says are on a partner account's balance, or were added to it: `set` or `add`.
CREATE TABLE balance_marks (
    number {serial},
    account TEXT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    days BIGINT NOT NULL,
    who TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX balance_marks_by_account ON balance_marks (account, number);
