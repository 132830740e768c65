-- Who closed an event, and why: what it said then stays closed when the same bytes come again.
ALTER TABLE events ADD COLUMN closed TEXT;
