-- No event twice: the original's rule.
CREATE UNIQUE INDEX IF NOT EXISTS events_unique_hash ON events (authority, event_hash);
