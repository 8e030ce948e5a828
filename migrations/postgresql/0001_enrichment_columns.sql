-- Of what model, version and text the values are. The column "embedding" is not made here: its type is a choice
-- (vector(n), halfvec(n), real[] or double precision[]).
ALTER TABLE events
    ADD COLUMN IF NOT EXISTS summary_en text,
    ADD COLUMN IF NOT EXISTS summary_model text,
    ADD COLUMN IF NOT EXISTS summary_ts timestamptz,
    ADD COLUMN IF NOT EXISTS summary_version text,
    ADD COLUMN IF NOT EXISTS summary_source_hash bytea,
    ADD COLUMN IF NOT EXISTS embedding_model text,
    ADD COLUMN IF NOT EXISTS embedding_ts timestamptz,
    ADD COLUMN IF NOT EXISTS embedding_version text,
    ADD COLUMN IF NOT EXISTS embedding_source_hash bytea;
