// Jobs in the ledger.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/job_row.hpp"
#include "state/sqlite.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace enrichd {

/// What one turn made of a job.
struct job_change {
    job::state to;
    std::string event;  ///< its name
    std::string detail; ///< for the history: a batch id, a reason
    enrichd::waiting waiting;
    std::int64_t new_submissions = 0; ///< tries to create a batch that begin, or are heard of
    bool maybe_duplicate = false;     ///< one whose batch may exist is sent again: marks the job for ever
};

/// What answers cost, and the bound of the requests that they ended.
struct settlement {
    token_usage used = {};
    money actual = {};
    money released = {};
    std::int64_t strays = 0;
    money unproven = {}; ///< of what is released, the part that may be billed though no usage was told
};

class job_table {
public:
    explicit job_table(sqlite::database& db);

    /// A new job in state built, not due: its run sets it going once all is built.
    std::int64_t create(const job_plan& plan, job::goal until, std::int64_t now_ms);
    /// Totals of a file that is complete now.
    void set_plan(std::int64_t id, const job_plan& plan);

    std::optional<job_row> find(std::int64_t id);
    /// By the provider's batch id, the newest if it was ever recorded twice.
    std::optional<job_row> find_batch(const std::string& batch_id);
    /// Jobs of which the request file has this SHA-256, newest first.
    std::vector<job_row> with_file(const std::string& sha256);
    std::vector<job_row> of_run(std::int64_t run_id);
    /// Newest first; `open_only`: those that have not ended.
    std::vector<job_row> list(bool open_only, std::int64_t limit);
    /// How many there are in each state, by its name; states without jobs are left out.
    std::map<std::string, std::int64_t> count_by_state();
    /// Ids of at most `limit` jobs whose turn has come, soonest first.
    std::vector<std::int64_t> due(std::int64_t now_ms, std::int64_t limit);
    /// The earliest due time of jobs other than these.
    std::optional<std::int64_t> next_due(const std::set<std::int64_t>& but);
    /// How many have not ended, by the name of their state.
    std::vector<std::pair<std::string, std::int64_t>> open_by_state();
    /// Jobs of a run that have not ended.
    std::int64_t open_in_run(std::int64_t run_id);
    /// What the open requests of a run may still cost.
    money open_bound(std::int64_t run_id);
    /// Bound of a job's requests that have no outcome yet.
    money open_bound_of(std::int64_t id);

    /// Guarded by the revision that was read: errors lost_race. Writes the history row where the state's name
    /// changes.
    result<void> record(const job_row& before, const job_change& change, std::int64_t now_ms);
    /// The state stays; only when and why is recorded.
    void postpone(const job_row& before, const waiting& next, std::int64_t now_ms);
    /// Moves the goal or the wish to cancel, and makes the job due now, but where it keeps its time.
    /// Of a later life of the ledger: the next try has another number.
    void hear_of_tries(std::int64_t job_id, std::int64_t tries);
    void wish(const job_row& before, const job::wishes& w, const std::string& event, std::int64_t now_ms);
    /// A run's jobs begin: due now.
    void start_run(std::int64_t run_id, job::goal until, std::int64_t now_ms);
    void settle(std::int64_t id, const settlement& s, std::int64_t now_ms);
    /// Nothing of what the job may have cost is unproven any more.
    void prove(std::int64_t id, std::int64_t now_ms);
    /// Everything of a run that was not finished building.
    void remove_of_run(std::int64_t run_id);

private:
    sqlite::statement insert_, set_plan_, find_, find_batch_, with_file_, of_run_, list_, list_open_,
        count_by_state_, due_, next_due_, open_by_state_, open_in_run_, record_, postpone_, hear_of_tries_,
        wish_, start_run_, usage_, prove_, open_bound_of_, remove_, history_;
};

} // namespace enrichd
