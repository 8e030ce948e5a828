-- No event twice: the original's rule. CONCURRENTLY, so that a live table stays writable; it cannot run inside a
-- transaction, and leaves an invalid index behind if it fails.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS events_unique_hash ON events (authority, event_hash);
