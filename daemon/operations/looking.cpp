// Operations that change nothing.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/operations/live_operations.hpp"

#include "daemon/operations/job_reply.hpp"
#include "daemon/operations/run_reply.hpp"
#include "daemon/operations/status_reply.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <optional>
#include <utility>

namespace enrichd {

namespace fs = std::filesystem;
using json = nlohmann::json;

namespace {

constexpr std::int64_t most_open_jobs = 100'000; // all of them
constexpr std::int64_t most_jobs = 1000;
constexpr std::int64_t most_quarantined = 10'000;

std::string why_no_report(const std::optional<run_row>& run) {
    if (!run) return "there is no report yet: it is written when a run has ended";
    const auto id = run_name(run->id);
    if (run->state == run::state::refused)
        return fmt::format("run {} has no report, as it was refused: {}", id, refusal_message(*run));
    if (run::has_ended(run->state)) return fmt::format("the report of run {} is no longer there", id);
    return fmt::format("run {} has no report yet: it is written when the run has ended", id);
}

result<std::string> read_whole(const fs::path& path) {
    std::error_code ec;
    const auto size = fs::file_size(path, ec);
    if (ec) return error{errc::io, fmt::format("{}: {}", path.string(), ec.message())};
    return read_range(path, 0, size);
}

} // namespace

result<job_row> live_operations::find_job(const std::string& id) {
    auto found = [&]() -> std::optional<job_row> {
        if (const auto number = parse_job_name(id)) return parts_.ledger.jobs().find(*number);
        return parts_.ledger.jobs().find_batch(id);
    }();
    if (found) return std::move(*found);
    if (parse_run_name(id))
        return error{
            errc::not_found,
            fmt::format("{} is the id of a run, not of a job; its jobs: enrichctl jobs --run {}", id, id)};
    return error{errc::not_found, fmt::format("there is no job or batch {}", id)};
}

result<run_row> live_operations::find_run(const std::string& id) {
    if (id == "latest") {
        auto newest = parts_.ledger.runs().list(1);
        if (newest.empty())
            return error{errc::not_found, "there is no run yet; start one: enrichctl run --auto"};
        return std::move(newest.front());
    }
    const auto number = parse_run_name(id);
    auto found = number ? parts_.ledger.runs().find(*number) : std::nullopt;
    if (!found) return error{errc::not_found, fmt::format("there is no run {}", id)};
    return std::move(*found);
}

json live_operations::job_object(std::int64_t id) {
    return job_reply(parts_.ledger, parts_.spool, deadline_hours())
        .object(parts_.ledger.jobs().find(id).value());
}

json live_operations::job_objects(const std::vector<job_row>& jobs) {
    return job_reply(parts_.ledger, parts_.spool, deadline_hours()).array(jobs);
}

result<json> live_operations::status() {
    return status_reply(parts_);
}

result<json> live_operations::jobs(std::optional<std::string> run, bool all) {
    std::vector<job_row> found;
    if (run) {
        const auto row = find_run(*run);
        if (!row) return row.error();
        found = parts_.ledger.jobs().of_run(row->id);
        std::reverse(found.begin(), found.end());
    } else {
        found = parts_.ledger.jobs().list(!all, all ? most_jobs : most_open_jobs);
    }
    return json{{"jobs", job_objects(found)}};
}

result<json> live_operations::job(std::string id, bool with_rows) {
    const auto found = find_job(id);
    if (!found) return found.error();
    return json{{"job", job_reply(parts_.ledger, parts_.spool, deadline_hours()).details(*found, with_rows)}};
}

result<json> live_operations::run(std::string id) {
    const auto found = find_run(id);
    if (!found) return found.error();
    return json{{"run", run_reply(parts_.ledger, parts_.spool, deadline_hours()).object(*found, true)}};
}

result<json> live_operations::quarantine_list() {
    json rows = json::array();
    for (const auto& row : parts_.ledger.quarantine().list(most_quarantined))
        rows.push_back({{"kind", name(row.kind)},
                        {"key", row.key},
                        {"authority", row.authority},
                        {"outcome", name(row.how)},
                        {"reason", row.reason},
                        {"tries", row.tries},
                        {"since_ms", row.since_ms},
                        {"job_id", job_name(row.job_id)}});
    return json{{"rows", std::move(rows)}};
}

result<std::string> live_operations::request_file(std::string job_id) {
    const auto job = find_job(job_id);
    if (!job) return job.error();
    const auto path = parts_.spool.request_file(job->plan.file_name);
    std::error_code ignored;
    if (!fs::exists(path, ignored))
        return error{errc::not_found,
                     fmt::format("the request file of job {} is no longer kept ([state] retention_days)",
                                 job_name(job->id))};
    return path.string();
}

result<std::string> live_operations::report(std::optional<std::string> run, std::string format) {
    std::optional<run_row> asked;
    if (run) {
        auto row = find_run(*run);
        if (!row) return row.error();
        asked = std::move(*row);
    }
    const auto folder = asked ? report_folder(asked->created_ms, run_name(asked->id)) : "latest";
    const auto path = parts_.spool.validation_folder() / folder / ("enrichment_report." + format);
    std::error_code ignored;
    if (!fs::exists(path, ignored)) return error{errc::not_found, why_no_report(asked)};
    return read_whole(path);
}

live_operations::awaitable<result<std::uint64_t>> live_operations::changed(std::uint64_t version) {
    return parts_.changes.changed(version);
}

} // namespace enrichd
