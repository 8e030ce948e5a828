-- One row for each slice that was merged, written in its transaction: a slice that comes again is answered from here.
CREATE TABLE IF NOT EXISTS enrichd_merge_log (
    submission TEXT NOT NULL,
    number     INTEGER NOT NULL,
    outcomes   TEXT NOT NULL,
    merged_at  TEXT NOT NULL,
    PRIMARY KEY (submission, number)
) STRICT;
