// SPDX-License-Identifier: Apache-2.0
#include "daemon/twins.hpp"

#include "core/run.hpp"
#include "daemon/bill.hpp"
#include "daemon/job_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace enrichd {

namespace {

constexpr std::int64_t window_ms = 24 * 3'600'000LL; // the completion window: no batch runs longer

// An upper bound of what a twin may have billed of which no usage is told.
money may_have_cost(const batch_object& twin, const job_row& job) {
    const bool no_work = has_ended(twin.status) && twin.completed == 0 && !twin.output_file_id;
    return no_work ? money{} : job.plan.totals.bound;
}

} // namespace

bool record_twin(ledger& l, const job_row& job, const std::string& kept, const batch_object& twin,
                 std::int64_t now_ms) {
    const auto known = l.twins().find(twin.id);
    if (known && known->ended) return false;
    twin_row row;
    row.batch_id = twin.id;
    row.job_id = job.id;
    row.kept_batch = known ? known->kept_batch : kept;
    row.status = name(twin.status);
    row.completed = twin.completed;
    row.found_ms = known ? known->found_ms : now_ms;
    row.ended = has_ended(twin.status);
    if (row.ended && twin.usage) {
        row.used = *twin.usage;
        row.cost = cost(row.used, job.plan.price);
    }
    if (row.used == token_usage{}) row.unproven = may_have_cost(twin, job);
    if (known && *known == row) return false;
    l.twins().put(row);
    if (row.cost > money{}) l.jobs().settle(job.id, {{}, row.cost}, now_ms);
    if (!row.ended && !known) l.chores().owe({chore::follow_twin, twin.id, job.id, now_ms, 0});
    if (const auto run_id = job.plan.run_id; run::has_ended(l.runs().find(run_id)->state))
        l.chores().owe({chore::write_report, run_name(run_id), job.id, now_ms, 0});
    return !known;
}

void log_twin(const job_row& job, const std::string& kept, const batch_object& twin) {
    const auto own = kept.empty() ? std::string("the job has no batch of its own") : kept + " is kept";
    const auto end = has_ended(twin.status) ? fmt::format("has ended as {}, with {} requests done",
                                                          name(twin.status), twin.completed)
                                            : std::string("is cancelled");
    log_job(
        log::level::critical, job,
        fmt::format("more than one batch was made of its requests: {}, {} {}; what that one did is paid for "
                    "and not merged",
                    own, twin.id, end));
}

std::int64_t longest_look_wait_ms(const std::vector<double>& reconcile_seconds) {
    if (reconcile_seconds.empty()) return 0;
    return std::llround(*std::max_element(reconcile_seconds.begin(), reconcile_seconds.end()) * 1000);
}

void owe_looks_for_twins(ledger& l, const job_row& before, const job::state& next, std::int64_t now_ms,
                         std::int64_t wait_ms) {
    const auto look = [&](const std::string& which, std::int64_t due_ms) {
        l.chores().owe({chore::find_twins, job_name(before.id) + which, before.id, due_ms, 0});
    };
    if (job::may_duplicate(before.state, next)) {
        look("", now_ms + wait_ms);
        return;
    }
    if (before.maybe_duplicate && std::holds_alternative<job::submitted>(next)) {
        look(" once it has one", now_ms + 2 * wait_ms); // of the first try: the second's may show as late
        return;
    }
    const auto* refused = std::get_if<job::uploaded>(&before.state);
    const bool in_doubt = before.maybe_duplicate ||
                          std::holds_alternative<job::submit_unknown>(before.state) ||
                          (refused && !refused->unused_submission.empty());
    if (!in_doubt || !job::is_over_at_provider(next) || job::is_over_at_provider(before.state)) return;
    // A job without a batch is over at once, too early for one to show. And a batch runs for a day.
    look(" at its end", job::batch_id(next) ? now_ms : now_ms + wait_ms);
    look(" a day later", now_ms + window_ms);
}

} // namespace enrichd
