// SPDX-License-Identifier: Apache-2.0
#include "daemon/job_log.hpp"

#include <fmt/format.h>

namespace enrichd {

namespace {

void write(log::level l, const job_row& job, std::string_view state,
           const std::optional<std::string>& batch_id, std::string_view text) {
    const auto message = fmt::format("job {} ({}): {}", job_name(job.id), name(job.plan.kind), text);
    log::write(l, message,
               {{"ENRICHD_JOB", job_name(job.id)},
                {"ENRICHD_RUN", run_name(job.plan.run_id)},
                {"ENRICHD_KIND", std::string(name(job.plan.kind))},
                {"ENRICHD_STATE", std::string(state)},
                {"ENRICHD_BATCH_ID", batch_id.value_or("")}});
}

} // namespace

void log_job(log::level l, const job_row& job, std::string_view message) {
    write(l, job, job::name(job.state), job.batch_id, message);
}

void log_transition(const job_row& before, const job_change& change) {
    const auto from = job::name(before.state);
    const auto to = job::name(change.to);
    if (from == to) return;
    auto text = fmt::format("{} -> {}", from, to);
    const auto id = job::batch_id(change.to);
    if (id) text += fmt::format(", batch {}", *id);
    if (!change.detail.empty() && change.detail != id) text += fmt::format(": {}", change.detail);
    if (const auto* failed = std::get_if<job::failed>(&change.to))
        text += fmt::format(": {}", failed->reason);
    const auto level = std::holds_alternative<job::failed>(change.to)           ? log::level::error
                       : std::holds_alternative<job::submit_unknown>(change.to) ? log::level::warning
                                                                                : log::level::info;
    write(level, before, to, id ? id : before.batch_id, text);
}

void log_built(const job_row& job) {
    write(log::level::info, job, "built", std::nullopt,
          fmt::format("built, {} requests for {} rows, at most {}", job.plan.totals.requests,
                      job.plan.row_count, display_dollars(job.plan.totals.bound)));
}

void log_run(log::level l, std::int64_t run_id, std::string_view message) {
    log::write(l, fmt::format("run {}: {}", run_name(run_id), message), {{"ENRICHD_RUN", run_name(run_id)}});
}

} // namespace enrichd
