// Operations that ask the target.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/operations/live_operations.hpp"

#include "daemon/operations/error_object.hpp"
#include "daemon/operations/run_reply.hpp"
#include "daemon/spending_limits.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>

namespace enrichd {

using json = nlohmann::json;

namespace {

json kind_object(const kind_summary& k) {
    return {{"kind", name(k.kind)},
            {"model", k.model},
            {"value_version", k.version},
            {"rows", row_object(k.rows)},
            {"in_flight_jobs", job_names(k.in_flight_jobs)},
            {"requests", k.totals.requests},
            {"input_tokens", k.totals.input_tokens},
            {"output_cap", k.totals.output_cap},
            {"bound_usd", exact_dollars(k.totals.bound)},
            {"files", k.files},
            {"bytes", k.totals.bytes},
            {"replaced_texts", k.replaced_texts},
            {"problem", nullptr},
            {"warnings", k.warnings}};
}

json authority_array(const run_summary& summary) {
    struct entry {
        kind of;
        const std::string* authority;
        const authority_counts* counts;
    };
    std::vector<entry> all;
    for (const auto& k : summary.kinds)
        for (const auto& [authority, counts] : k.authorities)
            all.push_back({k.kind, &authority, &counts});
    std::stable_sort(all.begin(), all.end(),
                     [](const entry& a, const entry& b) { return a.counts->bound > b.counts->bound; });
    json array = json::array();
    for (const auto& e : all)
        array.push_back({{"authority", *e.authority},
                         {"kind", name(e.of)},
                         {"rows", e.counts->rows},
                         {"requests", e.counts->requests},
                         {"input_tokens", e.counts->input_tokens},
                         {"bound_usd", exact_dollars(e.counts->bound)}});
    return array;
}

// A kind that cannot be built: nothing was counted.
json problem_object(kind k, const error& problem) {
    kind_summary nothing;
    nothing.kind = k;
    auto object = kind_object(nothing);
    object["problem"] = error_object(problem.code, problem.detail);
    return object;
}

// What a person must mend in the order, configuration or target, and waiting does not.
bool is_problem(const error& e) {
    return e.code == errc::target_blocked || e.code == errc::invalid_input;
}

// A budget can only lower the profile's limit; that it did not is said.
json warnings_about(const run_order& order, money limit) {
    json all = json::array();
    if (order.budget && *order.budget > limit)
        all.push_back(fmt::format("the budget of {} is above the limit of profile {}, {}, which counts",
                                  display_dollars(*order.budget), order.profile, display_dollars(limit)));
    return all;
}

json plan_object(const run_summary& summary, const run_order& order, money limit) {
    const auto bound = summary.bound();
    const bool fits = bound <= limit;
    json kinds = json::array();
    for (const auto& k : summary.kinds)
        kinds.push_back(kind_object(k));
    return {{"fits", fits},
            {"profile", order.profile},
            {"limit_usd", exact_dollars(limit)},
            {"bound_usd", exact_dollars(bound)},
            {"over_by_usd", exact_dollars(fits ? money{} : bound - limit)},
            {"would_fit_limit", fits ? json(nullptr) : json(summary.would_fit.value_or(0))},
            {"kinds", std::move(kinds)},
            {"authorities", authority_array(summary)},
            {"warnings", warnings_about(order, limit)}};
}

json migration_object(const std::string& identity, const std::vector<target::migration_step>& steps) {
    json array = json::array();
    std::int64_t pending = 0;
    for (const auto& step : steps) {
        array.push_back({{"name", step.name},
                         {"sql", step.sql},
                         {"applied", step.applied},
                         {"applied_now", step.applied_now},
                         {"note", step.note}});
        if (!step.applied) ++pending;
    }
    return {{"target", identity}, {"pending", pending}, {"steps", std::move(array)}};
}

} // namespace

live_operations::awaitable<result<json>> live_operations::plan(run_order order) {
    if (order.kinds.empty()) order.kinds.assign(std::begin(all_kinds), std::end(all_kinds));
    const auto with = parts_.settings();
    const auto limit = limit_of(order, with.settings->budget);
    const auto summary = co_await parts_.builder.plan(order, with);
    if (summary) co_return within_limits(plan_object(*summary, order, limit), *summary);
    if (!is_problem(summary.error())) co_return summary.error();
    co_return co_await plan_by_kind(std::move(order), with);
}

// Some kind cannot be built: each is looked at by itself, and the plan tells which, and why.
live_operations::awaitable<result<json>> live_operations::plan_by_kind(run_order order, build_settings with) {
    const auto limit = limit_of(order, with.settings->budget);
    run_summary working;
    json problems = json::array();
    for (const auto k : order.kinds) {
        auto alone = order;
        alone.kinds = {k};
        auto summary = co_await parts_.builder.plan(alone, with);
        if (!summary && !is_problem(summary.error())) co_return summary.error();
        if (!summary) {
            problems.push_back(problem_object(k, summary.error()));
            continue;
        }
        working.kinds.insert(working.kinds.end(), summary->kinds.begin(), summary->kinds.end());
        working.would_fit = summary->would_fit;
    }
    auto object = within_limits(plan_object(working, order, limit), working);
    for (auto& problem : problems)
        object["kinds"].push_back(std::move(problem));
    co_return object;
}

// Limits of days and months may hold what the run's own limit allows.
json live_operations::within_limits(json plan, const run_summary& summary) {
    const auto over = why_not_reserve(parts_.ledger, parts_.settings().settings->budget, summary.bounds(),
                                      parts_.clock.now_ms());
    if (!over) return plan;
    plan["fits"] = false;
    plan["warnings"].push_back(over->detail);
    return plan;
}

live_operations::awaitable<result<json>> live_operations::migration_plan() {
    const auto database = parts_.settings().database; // kept, should the configuration be reloaded meanwhile
    const auto steps = co_await database->plan_migration();
    if (!steps) co_return steps.error();
    co_return migration_object(database->identity(), *steps);
}

live_operations::awaitable<result<json>> live_operations::migrate() {
    const auto database = parts_.settings().database;
    const auto steps = co_await database->migrate();
    if (!steps) co_return steps.error();
    // Merges that waited for these columns go on at once.
    for (const auto& job : parts_.ledger.jobs().list(true, 100'000))
        if (std::holds_alternative<job::fetched>(job.state) && job.waiting.cause) make_due(job);
    something_changed();
    co_return migration_object(database->identity(), *steps);
}

} // namespace enrichd
