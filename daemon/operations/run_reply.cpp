// SPDX-License-Identifier: Apache-2.0
#include "daemon/operations/run_reply.hpp"

#include "core/json_edge.hpp"
#include "core/run_order.hpp"
#include "daemon/operations/error_object.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>

namespace enrichd {

namespace {

using json = nlohmann::json;

constexpr std::size_t most_in_flight_jobs = 20;

row_counts sum(const std::vector<kind_summary>& kinds) {
    row_counts all;
    for (const auto& k : kinds) {
        all.seen += k.rows.seen;
        all.selected += k.rows.selected;
        all.done += k.rows.done;
        all.legacy += k.rows.legacy;
        all.kept += k.rows.kept;
        all.no_text += k.rows.no_text;
        all.too_short += k.rows.too_short;
        all.in_flight += k.rows.in_flight;
        all.quarantined += k.rows.quarantined;
        all.identical += k.rows.identical;
    }
    return all;
}

void add_order(const run_order& order, json& into) {
    json kinds = json::array();
    for (const auto k : order.kinds)
        kinds.push_back(name(k));
    into["kinds"] = std::move(kinds);
    into["since_ms"] = order.since_ms ? json(*order.since_ms) : json(nullptr);
    into["limit"] = order.limit ? json(*order.limit) : json(nullptr);
    into["authorities"] = order.authorities;
    into["profile"] = order.profile;
    into["refresh_legacy"] = order.refresh_legacy;
}

// The refusal is kept as an error object already; see run_builder.
json refusal_of(const run_row& run) {
    if (run.state != run::state::refused) return nullptr;
    const auto kept = parse_json(run.detail);
    if (kept && member(*kept, "code") && member(*kept, "message")) return *kept;
    return error_object(errc::internal, run.detail);
}

// Building waits for the database, or for resume; an open run for its jobs, which tell themselves.
json why_of(const run_row& run) {
    return run.waiting.reason.empty() ? json(nullptr) : json(run.waiting.reason);
}

std::set<std::int64_t> in_flight_jobs(const run_summary& summary) {
    std::set<std::int64_t> all;
    for (const auto& k : summary.kinds)
        for (const auto id : k.in_flight_jobs)
            if (all.size() < most_in_flight_jobs) all.insert(id);
    return all;
}

json rows_by_kind(const run_summary& summary) {
    json all = json::object();
    for (const auto& k : summary.kinds)
        all[std::string(name(k.kind))] = row_object(k.rows);
    return all;
}

} // namespace

std::string refusal_message(const run_row& run) {
    const auto kept = refusal_of(run);
    return kept.is_object() ? text_member(kept, "message").value_or("") : "";
}

json row_object(const row_counts& rows) {
    return {{"seen", rows.seen},           {"selected", rows.selected},   {"done", rows.done},
            {"legacy", rows.legacy},       {"kept", rows.kept},           {"no_text", rows.no_text},
            {"too_short", rows.too_short}, {"in_flight", rows.in_flight}, {"quarantined", rows.quarantined},
            {"identical", rows.identical}};
}

json job_names(const std::set<std::int64_t>& jobs) {
    json all = json::array();
    for (const auto id : jobs)
        all.push_back(job_name(id));
    return all;
}

json run_reply::object(const run_row& run, bool with_jobs) {
    const auto order = read_order(run.order_json).value(); // throws: ours, so it reads
    const auto summary = read_summary(run.summary_json);
    const auto jobs = ledger_.jobs().of_run(run.id);
    std::int64_t requests = 0;
    std::int64_t updated = 0;
    std::int64_t replaced = 0;
    for (const auto& k : summary.kinds)
        replaced += k.replaced_texts;
    for (const auto& job : jobs) {
        if (job.plan.attempt == 1) requests += static_cast<std::int64_t>(job.plan.totals.requests);
        updated += updated_rows(ledger_.requests().tallies(job.id));
    }
    json object = {
        {"id", run_name(run.id)},
        {"command", command_of(order, run.until == job::goal::merged)},
        {"state", run::name(run.state)},
        {"started_ms", run.created_ms},
        {"ended_ms", run.ended_ms ? json(*run.ended_ms) : json(nullptr)},
        {"rows", row_object(sum(summary.kinds))},
        {"rows_by_kind", rows_by_kind(summary)},
        {"in_flight_jobs", job_names(in_flight_jobs(summary))},
        {"requests", requests},
        {"outcomes", outcomes(jobs, requests)},
        {"updated", updated},
        {"replaced_texts", replaced},
        {"budget",
         {{"limit_usd", exact_dollars(run.limit)},
          {"projected_usd", exact_dollars(summary.bound())},
          {"reserved_usd", exact_dollars(ledger_.reserved_of_run(run.id))},
          {"spent_usd", exact_dollars(ledger_.spent_of_run(run.id))}}},
        {"waiting_for", why_of(run)},
        {"next_due_ms", run.waiting.due_ms ? json(*run.waiting.due_ms) : json(nullptr)},
        {"error", refusal_of(run)},
        {"report", report_path(run)},
    };
    add_order(order, object);
    if (with_jobs) object["jobs"] = jobs_.array(jobs);
    return object;
}

// The last outcome of each request. One that a later job repeats counts there; one that the budget did not
// cover again is unsent.
json run_reply::outcomes(const std::vector<job_row>& jobs, std::int64_t requests) {
    outcome_tallies::counts last;
    std::int64_t unsent = 0;
    for (const auto& job : jobs) {
        const auto tallies = ledger_.requests().tallies(job.id);
        for (const auto& [how, n] : tallies.requests)
            last[how] += n;
        for (const auto& [how, n] : tallies.resent)
            last[how] -= n;
        for (const auto& [how, n] : tallies.unsent) {
            last[how] -= n;
            unsent += n;
        }
    }
    auto object = outcome_object(last, requests - unsent);
    object["unsent"] = unsent;
    return object;
}

json run_reply::report_path(const run_row& run) const {
    const auto path =
        spool_.validation_folder() / report_folder(run.created_ms, run_name(run.id)) / "enrichment_report.md";
    std::error_code ignored;
    return std::filesystem::exists(path, ignored) ? json(path.string()) : json(nullptr);
}

} // namespace enrichd
