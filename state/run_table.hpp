// Runs in the ledger.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/job_row.hpp"
#include "state/sqlite.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace enrichd {

/// When a run's next turn is.
struct due_run {
    std::int64_t id = 0;
    run::state state{};
    std::int64_t due_ms = 0;
};

class run_table {
public:
    explicit run_table(sqlite::database& db);

    /// A new run in state requested, due now. `until` is built for `build`, merged for `run`.
    std::int64_t create(job::goal until, const std::string& order_json, money limit, std::int64_t now_ms);

    std::optional<run_row> find(std::int64_t id);
    /// Newest first.
    std::vector<run_row> list(std::int64_t limit);
    /// Those that have not ended, newest first.
    std::vector<run_row> list_open();
    /// Those that ended last, newest first.
    std::vector<run_row> list_ended(std::int64_t limit);
    /// Every run that has a next turn, soonest first.
    std::vector<due_run> timetable();

    /// Guarded by the state it was in: errors lost_race if it is there no more. Writes the history row too.
    result<void> record(const run_row& before, run::state to, run::event e, const std::string& detail,
                        const waiting& next, std::int64_t now_ms);
    /// The state stays; only when and why is recorded.
    void postpone(std::int64_t id, const waiting& next, std::int64_t now_ms);
    void set_summary(std::int64_t id, const std::string& summary_json, std::int64_t now_ms);
    void set_limit(std::int64_t id, money limit);
    void want_cancel(std::int64_t id, std::int64_t now_ms);

private:
    sqlite::statement insert_, find_, list_, list_open_, list_ended_, timetable_, record_, postpone_,
        summary_, limit_, cancel_, history_;
};

} // namespace enrichd
