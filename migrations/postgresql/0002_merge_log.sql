-- One row for each slice that was merged, written in its transaction: a slice that comes again is answered from here.
CREATE TABLE IF NOT EXISTS enrichd_merge_log (
    submission text NOT NULL,
    number     bigint NOT NULL,
    outcomes   text NOT NULL,
    merged_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (submission, number)
);
