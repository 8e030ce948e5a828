// How far requests are, and what became of them, out of jobs and runs.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "daemon/ctl/text.hpp"
#include "daemon/ctl/wire.hpp"

namespace enrichd::ctl {

namespace {

using outcome_counts = std::map<std::string, std::int64_t>;

std::int64_t count_of(const outcome_counts& outcomes, const char* name) {
    const auto at = outcomes.find(name);
    return at == outcomes.end() ? 0 : at->second;
}

bool any_ended(const outcome_counts& outcomes) {
    return std::any_of(outcomes.begin(), outcomes.end(),
                       [](const auto& o) { return o.first != "pending" && o.second > 0; });
}

std::string list_parts(const std::vector<std::pair<std::string, std::int64_t>>& parts) {
    std::string out;
    for (const auto& [name, n] : parts)
        if (n > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, name);
    return out.empty() ? "" : fmt::format(" ({})", out);
}

std::string listed(const outcome_counts& outcomes) {
    std::vector<std::pair<std::string, std::int64_t>> parts = {{"ok", count_of(outcomes, "ok")}};
    for (const auto& [name, n] : outcomes)
        if (name != "ok" && name != "pending") parts.emplace_back(name, n);
    return list_parts(parts);
}

// Before its outcomes are known, as the provider counted: what it did not do ended as its batch did.
std::string as_provider_counted(const job_view& j) {
    if (j.batch_total == 0) return {};
    const bool cut_off = j.batch_status == "expired" || j.batch_status == "cancelled";
    return list_parts({{"ok", j.batch_done},
                       {"failed", j.batch_failed},
                       {j.batch_status, cut_off ? j.requests - j.batch_done - j.batch_failed : 0}});
}

} // namespace

std::int64_t job_view::ok() const {
    return has_ended() ? count_of(outcomes, "ok") : batch_done;
}

std::int64_t failed_requests(const outcome_counts& outcomes) {
    std::int64_t sum = 0;
    for (const char* name :
         {"http_error", "expired", "missing", "unparseable", "refused", "truncated", "invalid", "unsent"})
        sum += count_of(outcomes, name);
    return sum;
}

std::string losses(const outcome_counts& outcomes) {
    const auto failed = failed_requests(outcomes), cancelled = count_of(outcomes, "cancelled");
    if (failed == 0)
        return cancelled == 0 ? std::string() : fmt::format("{} cancelled", counted(cancelled, "request"));
    return fmt::format("{} failed{}", counted(failed, "request"),
                       cancelled == 0 ? "" : fmt::format(", {} cancelled", cancelled));
}

std::string outcomes_of(const outcome_counts& outcomes) {
    std::string out;
    const auto add = [&](const std::string& name, std::int64_t n) {
        if (n != 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name, n);
    };
    add("ok", count_of(outcomes, "ok"));
    for (const auto& [name, n] : outcomes)
        if (name != "ok") add(name, n);
    return out.empty() ? "none" : out;
}

std::string requests_of(const job_view& j) {
    const auto all = counted(j.requests, "request");
    if (!j.is_fetched()) return fmt::format("{} of {} done", j.ended(), all);
    if (j.batch_id.empty() && j.state != "merged") return all + ", none sent";
    return fmt::format("{} of {} ended{}", j.requests, all,
                       j.has_ended() && any_ended(j.outcomes) ? listed(j.outcomes) : as_provider_counted(j));
}

std::int64_t ended_requests(const run_view& run) {
    std::int64_t ended = 0, sent = 0;
    for (const auto& j : run.jobs) {
        ended += j.ended();
        sent += j.requests;
    }
    return std::max<std::int64_t>(ended - std::max<std::int64_t>(sent - run.requests, 0), 0);
}

std::string requests_of(const run_view& run) {
    const auto ended = ended_requests(run);
    const auto all = counted(run.requests, "request");
    if (losses(run.outcomes).empty()) return fmt::format("{} of {} done", ended, all);
    return fmt::format("{} of {} ended{}", ended, all, listed(run.outcomes));
}

bool is_run_id(const std::string& id) {
    return id == "latest" ||
           (id.size() > 1 && id[0] == 'r' && id.find_first_not_of("0123456789", 1) == std::string::npos);
}

} // namespace enrichd::ctl
