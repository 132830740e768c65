-- Channels whose days moved and which cannot be switched to live: since when a person is told.
ALTER TABLE channels ADD COLUMN not_live_since BIGINT;
CREATE INDEX channels_not_live ON channels (not_live_since, account, channel) WHERE not_live_since IS NOT NULL;

-- What was given up in silence before is tried again.
UPDATE channels SET due_at = 0 WHERE due_at IS NULL AND detail LIKE '%"live_due":null,"live_tries":12,%';
