// The ledger: enrichd's memory, one SQLite file, one connection.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/booking_table.hpp"
#include "state/chore_table.hpp"
#include "state/failure_table.hpp"
#include "state/flight_table.hpp"
#include "state/job_table.hpp"
#include "state/quarantine_table.hpp"
#include "state/quota_table.hpp"
#include "state/request_table.hpp"
#include "state/run_table.hpp"
#include "state/sqlite.hpp"
#include "state/twin_table.hpp"
#include "state/unknown_table.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace enrichd {

/// One line of a job's or run's history.
struct history_row {
    std::int64_t at_ms = 0;
    std::optional<std::int64_t> job_id;
    std::string from_state; ///< empty: it came into being
    std::string to_state;
    std::string event;
    std::string detail;
};

/// When a job came into its state, and when its newest batch was made.
struct job_times {
    std::int64_t state_since_ms = 0;
    std::optional<std::int64_t> submitted_ms;
};

/// The longest that anything may have to wait, by what it is.
struct longest_waits {
    std::int64_t poll_ms = 0; ///< for the next look at a batch, while looks succeed
    std::int64_t look_ms = 0; ///< for the next look through the provider's list
    std::int64_t other_ms = 0;
    std::int64_t sweep_ms = 0; ///< for the next look through the provider's files
};

/// What has ever been spent and may still be, over all runs.
struct money_totals {
    money spent;
    money reserved; ///< upper bound of open requests of jobs that are on their way
};

/// Opens with WAL and synchronous=FULL: a commit that returned survives power loss. One connection writes and
/// checkpoints, so that SQLite's WAL-reset race (fixed in 3.51.3) cannot occur. No transaction and no cursor
/// lives across a co_await: callers begin(), write, and commit without suspending.
class ledger {
public:
    /// Throws fatal_error (a file that ledger_check refuses, left as it is) or sqlite_error (cannot be
    /// opened, read or written).
    explicit ledger(const std::string& path);

    /// True once the disk failed: nothing more is written until reopen().
    bool is_broken() const { return db_.is_broken(); }
    /// See database::reopen().
    void reopen();
    /// A clean stop is the last thing a daemon records, and that it runs the first: the next start looks
    /// closer at a ledger without the mark.
    void mark_stopped(bool cleanly);

    sqlite::transaction begin() { return sqlite::transaction(db_); }

    run_table& runs() { return runs_; }
    job_table& jobs() { return jobs_; }
    request_table& requests() { return requests_; }
    failure_table& failures() { return failures_; }
    flight_table& flights() { return flights_; }
    quarantine_table& quarantine() { return quarantine_; }
    twin_table& twins() { return twins_; }
    chore_table& chores() { return chores_; }
    unknown_table& unknown() { return unknown_; }
    booking_table& bookings() { return bookings_; }
    quota_table& quotas() { return quotas_; }

    /// Eight hex digits, made when the ledger was.
    const std::string& installation() const { return installation_; }
    bool paused();
    void set_paused(bool paused);
    /// Another life of the ledger, of which this one was copied before, made batches until then; 0: none is
    /// known of. What that life sent again this one does not know.
    std::int64_t outlived_ms();
    void set_outlived(std::int64_t until_ms);

    /// The wall clock was set forward (or back, if negative) by so much: so are all due times.
    void move_due_times(std::int64_t step_ms);
    /// At start: a due time further ahead than anything may have to wait was set by a clock that ran ahead.
    /// It becomes the longest wait. Returns how many there were.
    std::int64_t pull_in_due_times(std::int64_t now_ms, const longest_waits& waits);

    std::vector<history_row> history_of_job(std::int64_t job_id);
    std::vector<history_row> history_of_run(std::int64_t run_id);
    money_totals totals();
    money spent_of_run(std::int64_t run_id);
    /// Upper bound of what the provider may have billed for requests of which it told no usage. It is in
    /// nobody's figures, and counts where more is to be bought within the same budget.
    money unproven_of_run(std::int64_t run_id);
    /// Upper bound of what the open requests of a run may still cost; jobs that wait for submit reserve
    /// nothing.
    money reserved_of_run(std::int64_t run_id);
    job_times times_of_job(std::int64_t job_id);

    /// Jobs of runs that ended before then and have requests and rows still.
    std::vector<std::int64_t> prunable(std::int64_t ended_before_ms);
    /// Forgets a job's requests and rows, and the parts that its run kept; jobs, runs and history stay.
    void prune(std::int64_t job_id);
    /// The request file of every job, and its batch.
    std::vector<std::pair<std::string, std::optional<std::string>>> files_of_jobs();

private:
    // In order of dependence: the tables prepare their statements against a migrated database.
    struct opened {
        explicit opened(const std::string& path);
        void configure();
        std::string path;
        sqlite::database db;
    };
    opened file_;
    sqlite::database& db_;
    run_table runs_;
    job_table jobs_;
    request_table requests_;
    failure_table failures_;
    flight_table flights_;
    quarantine_table quarantine_;
    twin_table twins_;
    chore_table chores_;
    unknown_table unknown_;
    booking_table bookings_;
    quota_table quotas_;
    sqlite::statement paused_, set_paused_, outlived_, set_outlived_, move_jobs_, move_runs_, move_chores_,
        pull_in_jobs_, pull_in_runs_, pull_in_chores_, mark_stopped_, job_history_, run_history_, totals_,
        spent_of_run_, unproven_of_run_, reserved_of_run_, job_times_, prunable_, prune_requests_,
        prune_rows_, prune_parts_, files_of_jobs_;
    std::string installation_;
};

} // namespace enrichd
