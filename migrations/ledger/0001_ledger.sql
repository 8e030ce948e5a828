-- The ledger: what enrichd remembers. All times are UTC milliseconds, all amounts picodollars.
-- STRICT tables, NOT NULL unless absence means something, and states tied to their columns by CHECKs.

-- One row: who we are, at the provider and to the user.
CREATE TABLE installation (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    uuid   TEXT    NOT NULL, -- eight hex digits, part of every submission id
    paused INTEGER NOT NULL CHECK (paused IN (0, 1)),
    outlived_ms INTEGER NOT NULL, -- up to then another life of the ledger, unknown to this one, made batches; 0: none did
    stopped_cleanly INTEGER NOT NULL CHECK (stopped_cleanly IN (0, 1)) -- 0 while a daemon runs
) STRICT;

-- What one command or schedule started.
CREATE TABLE runs (
    id            INTEGER PRIMARY KEY,
    state         TEXT    NOT NULL CHECK (state IN ('requested', 'building', 'open', 'done', 'refused', 'cancelled')),
    goal          TEXT    NOT NULL CHECK (goal IN ('built', 'merged')),
    order_json    TEXT    NOT NULL, -- what was asked for: kinds, since, limit, authorities, budget, profile
    limit_pd      INTEGER NOT NULL CHECK (limit_pd >= 0),
    cancel_wanted INTEGER NOT NULL CHECK (cancel_wanted IN (0, 1)),
    summary_json  TEXT    NOT NULL, -- what building found: rows considered, skipped by reason, projections
    detail        TEXT    NOT NULL, -- why it was refused; empty otherwise
    due_ms        INTEGER,          -- when its next turn is; NULL: when its jobs have ended
    failures      INTEGER NOT NULL CHECK (failures >= 0), -- turns in a row that could not do their effect
    waiting_for   TEXT    NOT NULL,
    cause         TEXT,             -- the code of the error that stopped its last turn; NULL: none did
    created_ms    INTEGER NOT NULL,
    changed_ms    INTEGER NOT NULL,
    ended_ms      INTEGER,
    CHECK ((state IN ('done', 'refused', 'cancelled')) = (ended_ms IS NOT NULL))
) STRICT;

CREATE INDEX runs_due ON runs (due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX runs_open ON runs (id) WHERE ended_ms IS NULL;

-- One request file, and the batch made from it.
CREATE TABLE jobs (
    id             INTEGER PRIMARY KEY,
    run_id         INTEGER NOT NULL REFERENCES runs (id),
    mark           TEXT    NOT NULL, -- eight hex digits by chance: a ledger put back from a copy gives ids out again
    kind           TEXT    NOT NULL CHECK (kind IN ('summaries', 'embeddings')),
    try            INTEGER NOT NULL CHECK (try >= 1), -- 1, or more where it resends what failed before
    target         TEXT    NOT NULL,
    model          TEXT    NOT NULL,
    version        TEXT    NOT NULL,
    refresh_legacy INTEGER NOT NULL CHECK (refresh_legacy IN (0, 1)),
    keep_versions  INTEGER NOT NULL CHECK (keep_versions IN (0, 1)),
    dimensions     INTEGER NOT NULL, -- of an embedding; 0 for summaries
    window         TEXT    NOT NULL, -- the provider's completion window, "24h"

    -- The request file, under batch/ in the state directory; immutable once the run is open.
    file_name   TEXT    NOT NULL,
    file_sha256 TEXT    NOT NULL,
    file_bytes  INTEGER NOT NULL,
    requests    INTEGER NOT NULL,
    row_count   INTEGER NOT NULL,
    inputs      INTEGER NOT NULL, -- texts in it: chunks of embeddings, or requests

    -- Projection: exact input tokens, output cap; and the prices of the day it was built.
    input_tokens    INTEGER NOT NULL,
    output_cap      INTEGER NOT NULL,
    bound_pd        INTEGER NOT NULL,
    open_bound_pd   INTEGER NOT NULL CHECK (open_bound_pd >= 0), -- of the requests that have no outcome yet
    price_input_pd  INTEGER NOT NULL,
    price_cached_pd INTEGER NOT NULL,
    price_output_pd INTEGER NOT NULL,
    reply_bytes     INTEGER NOT NULL, -- the most that all answers may have
    max_line_bytes  INTEGER NOT NULL, -- the most that one answer line may have

    -- Actual, summed from the answers' own usage as they are merged.
    used_input     INTEGER NOT NULL,
    used_cached    INTEGER NOT NULL,
    used_output    INTEGER NOT NULL,
    used_reasoning INTEGER NOT NULL,
    actual_pd      INTEGER NOT NULL,
    unproven_pd    INTEGER NOT NULL, -- bound of the requests that may have been billed, though no usage was told

    -- Life.
    state       TEXT    NOT NULL CHECK (state IN ('built', 'intent_upload', 'uploaded', 'intent_submit', 'submit_unknown',
                                                  'submitted', 'polling', 'fetched', 'merged', 'failed', 'cancelled',
                                                  'discarded')),
    state_json  TEXT    NOT NULL, -- the fields of the state
    goal        TEXT    NOT NULL CHECK (goal IN ('built', 'fetched', 'merged')),
    cancel      TEXT    NOT NULL CHECK (cancel IN ('none', 'user', 'deadline', 'abandon')),
    revision    INTEGER NOT NULL, -- grows with every change: a turn that raced another loses
    submissions INTEGER NOT NULL, -- tries to create a batch so far
    maybe_duplicate INTEGER NOT NULL CHECK (maybe_duplicate IN (0, 1)), -- sent again after looks that found no batch
    due_ms      INTEGER,          -- when its next turn is; NULL: it waits for a person, or has ended
    failures    INTEGER NOT NULL CHECK (failures >= 0),
    waiting_for TEXT    NOT NULL, -- why it waits, in words; empty if it does not
    waiting_since_ms INTEGER,
    cause       TEXT,             -- the code of the error that stopped its last turn; NULL: none did
    signs_json  TEXT    NOT NULL, -- of the last of those failures, how many showed what: {"gone file-1": 3}; empty: none
    batch_id    TEXT,
    ended_as    TEXT    NOT NULL, -- the provider's last word about the batch; empty if there was none
    batch_total     INTEGER, -- the provider's last counts of the batch's requests; NULL if it told none
    batch_completed INTEGER,
    batch_failed    INTEGER,
    strays      INTEGER NOT NULL, -- result lines that answer no request of ours, or answer one twice
    created_ms  INTEGER NOT NULL,
    changed_ms  INTEGER NOT NULL,
    ended_ms    INTEGER,
    CHECK ((state IN ('merged', 'failed', 'cancelled', 'discarded')) = (ended_ms IS NOT NULL)),
    CHECK ((state IN ('submitted', 'polling', 'fetched', 'merged')) <= (batch_id IS NOT NULL))
) STRICT;

CREATE INDEX jobs_due ON jobs (due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX jobs_by_run ON jobs (run_id);
CREATE INDEX jobs_open ON jobs (id) WHERE ended_ms IS NULL;
CREATE INDEX jobs_by_batch ON jobs (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX jobs_by_file ON jobs (file_sha256);

-- The books: what each change of a job did to the money, in order and never changed. The sums of a job's bookings are its
-- own columns; bookings are what a day or a month cost.
CREATE TABLE bookings (
    id          INTEGER PRIMARY KEY,
    at_ms       INTEGER NOT NULL,
    run_id      INTEGER NOT NULL REFERENCES runs (id),
    job_id      INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, -- of a run that is built again: never sent
    kind        TEXT    NOT NULL,
    reserved_pd INTEGER NOT NULL, -- less than 0: released
    spent_pd    INTEGER NOT NULL,
    unproven_pd INTEGER NOT NULL, -- may have been billed, though no usage was told; less than 0: it is known now
    used_input     INTEGER NOT NULL,
    used_cached    INTEGER NOT NULL,
    used_output    INTEGER NOT NULL,
    used_reasoning INTEGER NOT NULL
) STRICT;

CREATE INDEX bookings_by_time ON bookings (at_ms);
CREATE INDEX bookings_by_job ON bookings (job_id);

-- No change of a job's money is without its booking, as both are one statement. What stays built reserves nothing.
CREATE TRIGGER money_moved AFTER UPDATE OF actual_pd, unproven_pd, open_bound_pd, goal, used_input ON jobs
WHEN NEW.actual_pd <> OLD.actual_pd OR NEW.unproven_pd <> OLD.unproven_pd OR NEW.used_input <> OLD.used_input
     OR IIF(NEW.goal = 'built', 0, NEW.open_bound_pd) <> IIF(OLD.goal = 'built', 0, OLD.open_bound_pd)
BEGIN
    INSERT INTO bookings (at_ms, run_id, job_id, kind, reserved_pd, spent_pd, unproven_pd, used_input, used_cached, used_output,
                          used_reasoning)
    VALUES (NEW.changed_ms, NEW.run_id, NEW.id, NEW.kind,
            IIF(NEW.goal = 'built', 0, NEW.open_bound_pd) - IIF(OLD.goal = 'built', 0, OLD.open_bound_pd),
            NEW.actual_pd - OLD.actual_pd, NEW.unproven_pd - OLD.unproven_pd, NEW.used_input - OLD.used_input,
            NEW.used_cached - OLD.used_cached, NEW.used_output - OLD.used_output, NEW.used_reasoning - OLD.used_reasoning);
END;

-- Every transition of every job and run, in order; never changed, never ordered by time.
CREATE TABLE history (
    id         INTEGER PRIMARY KEY,
    at_ms      INTEGER NOT NULL,
    run_id     INTEGER NOT NULL REFERENCES runs (id),
    job_id     INTEGER REFERENCES jobs (id) ON DELETE CASCADE,
    from_state TEXT    NOT NULL, -- empty: it came into being
    to_state   TEXT    NOT NULL,
    event      TEXT    NOT NULL,
    detail     TEXT    NOT NULL
) STRICT;

CREATE INDEX history_by_job ON history (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX history_by_run ON history (run_id);
-- For how many batches were asked for within the last hour.
CREATE INDEX history_of_submissions ON history (at_ms) WHERE event = 'submit_intended';

-- The provider's queue, by model, as its refusals told it.
CREATE TABLE quotas (
    model    TEXT    NOT NULL PRIMARY KEY,
    tokens   INTEGER CHECK (tokens > 0), -- the most that may be enqueued; NULL: no refusal told it
    told_ms  INTEGER NOT NULL,
    percent  INTEGER NOT NULL CHECK (percent BETWEEN 1 AND 100), -- of the limit that is used: the provider may count more tokens than we do
    refusals INTEGER NOT NULL CHECK (refusals >= 0), -- in a row that no limit explains
    since_ms INTEGER NOT NULL, -- the first of these
    next_ms  INTEGER NOT NULL, -- nothing is asked for before
    text     TEXT    NOT NULL  -- the provider's words of the last refusal
) STRICT, WITHOUT ROWID;

-- One line of a request file. `text` is the number of the first request of the same text: a text that is beyond one
-- request's limits has several parts, each a request.
CREATE TABLE requests (
    job_id       INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number       INTEGER NOT NULL, -- line of the file, from 0
    custom_id    TEXT    NOT NULL,
    text         INTEGER NOT NULL,
    text_hash    BLOB    NOT NULL,
    part         INTEGER NOT NULL,
    parts        INTEGER NOT NULL,
    chunk_tokens TEXT    NOT NULL, -- embeddings: "1500,1500,321", the weights of pooling; empty for summaries
    input_tokens INTEGER NOT NULL,
    output_cap   INTEGER NOT NULL,
    bound_pd     INTEGER NOT NULL,
    file_offset  INTEGER NOT NULL, -- where the line begins, for sending it again
    file_length  INTEGER NOT NULL,
    outcome      TEXT,             -- NULL: open
    http_status  INTEGER NOT NULL,
    reason       TEXT    NOT NULL,
    PRIMARY KEY (job_id, number)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX requests_by_custom_id ON requests (job_id, custom_id);

-- The rows that have a text: usually one. A row is in flight in at most one open job.
CREATE TABLE job_rows (
    job_id    INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    text      INTEGER NOT NULL, -- requests.text of the same job
    key       TEXT    NOT NULL,
    target    TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    authority TEXT    NOT NULL,
    state     TEXT    NOT NULL CHECK (state IN ('open', 'ended', 'resent')),
    outcome   TEXT,
    reason    TEXT    NOT NULL,
    beside    INTEGER NOT NULL CHECK (beside IN (0, 1)), -- of a batch that was adopted while another job had the row
    PRIMARY KEY (job_id, text, key),
    CHECK ((state = 'open') = (outcome IS NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX rows_in_flight ON job_rows (target, kind, key) WHERE state = 'open' AND beside = 0;
-- For building a run: the jobs that a row is or was in.
CREATE INDEX rows_by_key ON job_rows (target, kind, key);

-- Batches of a job beside the one that it kept: more than one was made of the same submission.
CREATE TABLE twins (
    batch_id       TEXT    NOT NULL PRIMARY KEY,
    job_id         INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    kept_batch     TEXT    NOT NULL, -- the job's own; empty: it has none
    status         TEXT    NOT NULL, -- the provider's last word about it
    completed      INTEGER NOT NULL, -- requests that it did, as the provider counts
    used_input     INTEGER NOT NULL, -- what it billed, once it has ended
    used_cached    INTEGER NOT NULL,
    used_output    INTEGER NOT NULL,
    used_reasoning INTEGER NOT NULL,
    cost_pd        INTEGER NOT NULL, -- of that; part of its job's actual_pd
    unproven_pd    INTEGER NOT NULL, -- bound of what it may have billed, where no usage was told
    found_ms       INTEGER NOT NULL,
    ended          INTEGER NOT NULL CHECK (ended IN (0, 1)) -- and what it cost is booked
) STRICT, WITHOUT ROWID;

CREATE INDEX twins_by_job ON twins (job_id);

-- Batches at the provider that could be adopted, as the look at the last start found them: nothing is bought while one of
-- them is not let go.
CREATE TABLE unknown_batches (
    batch_id     TEXT    NOT NULL PRIMARY KEY,
    installation TEXT    NOT NULL, -- of the ledger that made it
    requests     INTEGER NOT NULL, -- as the provider counts
    created_ms   INTEGER NOT NULL, -- by the provider's clock
    found_ms     INTEGER NOT NULL,
    let_go       INTEGER NOT NULL CHECK (let_go IN (0, 1)) -- by a person: what it holds may be bought again
) STRICT, WITHOUT ROWID;

-- What is owed beside the turns of jobs and runs, and holds none up: calls to the provider, and reports.
CREATE TABLE chores (
    what     TEXT    NOT NULL CHECK (what IN ('find_twins', 'follow_twin', 'delete_input', 'delete_result',
                                              'sweep_files', 'find_unknown', 'write_report')),
    subject  TEXT    NOT NULL, -- the job of find_twins, the batch of follow_twin, the file to be deleted, the run of write_report; else empty
    job_id   INTEGER REFERENCES jobs (id) ON DELETE CASCADE,
    due_ms   INTEGER, -- NULL: once its job has ended in a way that makes it owed
    failures INTEGER NOT NULL CHECK (failures >= 0), -- tries in a row that could not be done
    missing  INTEGER NOT NULL CHECK (missing >= 0),  -- the last of these, in a row: the provider said that it has no such call
    reason   TEXT    NOT NULL, -- of the last of these, for people; empty: there was none
    PRIMARY KEY (what, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX chores_due ON chores (due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX chores_by_job ON chores (job_id);

-- Vectors of parts that wait for their siblings.
CREATE TABLE part_vectors (
    run_id    INTEGER NOT NULL REFERENCES runs (id),
    text_hash BLOB    NOT NULL,
    part      INTEGER NOT NULL,
    tokens    INTEGER NOT NULL, -- weight
    vector    BLOB    NOT NULL, -- float32, little-endian: the mean of the part's chunks
    PRIMARY KEY (run_id, text_hash, part)
) STRICT, WITHOUT ROWID;

-- Rows that are not sent again until a person says so, or their text or version changes.
CREATE TABLE quarantine (
    target    TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    key       TEXT    NOT NULL,
    version   TEXT    NOT NULL,
    text_hash BLOB    NOT NULL,
    job_id    INTEGER NOT NULL REFERENCES jobs (id),
    outcome   TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    tries     INTEGER NOT NULL,
    since_ms  INTEGER NOT NULL,
    authority TEXT    NOT NULL,
    PRIMARY KEY (target, kind, key)
) STRICT, WITHOUT ROWID;

-- How many requests and rows of a job ended how: kept while they end, so that a look at a job costs the same whatever
-- its size, and still there once its requests are pruned.
CREATE TABLE tallies (
    job_id  INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    what    TEXT    NOT NULL CHECK (what IN ('request', 'row', 'resent', 'unsent')), -- the latter two: requests
    outcome TEXT    NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (job_id, what, outcome)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER request_ended AFTER UPDATE OF outcome ON requests WHEN OLD.outcome IS NULL AND NEW.outcome IS NOT NULL
BEGIN
    INSERT INTO tallies (job_id, what, outcome, count) VALUES (NEW.job_id, 'request', NEW.outcome, 1)
    ON CONFLICT (job_id, what, outcome) DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER row_ended AFTER UPDATE OF state ON job_rows WHEN OLD.state = 'open' AND NEW.state = 'ended'
BEGIN
    INSERT INTO tallies (job_id, what, outcome, count) VALUES (NEW.job_id, 'row', NEW.outcome, 1)
    ON CONFLICT (job_id, what, outcome) DO UPDATE SET count = count + 1;
END;
