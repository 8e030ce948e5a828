-- The values, and of what model, version and text they are. Each statement runs where its column is missing.
ALTER TABLE events ADD COLUMN summary_en TEXT;
ALTER TABLE events ADD COLUMN summary_model TEXT;
ALTER TABLE events ADD COLUMN summary_ts TEXT;
ALTER TABLE events ADD COLUMN summary_version TEXT;
ALTER TABLE events ADD COLUMN summary_source_hash BLOB;
ALTER TABLE events ADD COLUMN embedding BLOB;
ALTER TABLE events ADD COLUMN embedding_model TEXT;
ALTER TABLE events ADD COLUMN embedding_ts TEXT;
ALTER TABLE events ADD COLUMN embedding_version TEXT;
ALTER TABLE events ADD COLUMN embedding_source_hash BLOB;
