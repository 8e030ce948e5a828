// SPDX-License-Identifier: Apache-2.0
#include "core/report.hpp"

#include <nlohmann/json.hpp>

namespace enrichd {

namespace {

using json = nlohmann::json;

template <class T>
json or_null(const std::optional<T>& value) {
    return value ? json(*value) : json(nullptr);
}

json text_or_null(const std::string& text) {
    return text.empty() ? json(nullptr) : json(text);
}

json order_object(const report_facts& f) {
    json kinds = json::array();
    for (const auto k : f.order.kinds)
        kinds.push_back(name(k));
    return {{"kinds", std::move(kinds)},       {"since_ms", or_null(f.order.since_ms)},
            {"limit", or_null(f.order.limit)}, {"authorities", f.order.authorities},
            {"profile", f.order.profile},      {"refresh_legacy", f.order.refresh_legacy}};
}

json outcome_object(const report_kind& k) {
    json object = {{"open", k.open_rows}};
    for (const auto how : all_outcomes) {
        const auto it = k.rows.find(how);
        object[std::string(name(how))] = it == k.rows.end() ? 0 : it->second;
    }
    return object;
}

json skipped_object(const row_counts& r) {
    return {{"done", r.done},
            {"legacy", r.legacy},
            {"kept", r.kept},
            {"no_text", r.no_text},
            {"too_short", r.too_short},
            {"in_flight", r.in_flight},
            {"quarantined", r.quarantined}};
}

json usage_object(const token_usage& used, money cost) {
    return {{"input_tokens", used.input_tokens},
            {"cached_tokens", used.cached_tokens},
            {"output_tokens", used.output_tokens},
            {"reasoning_tokens", used.reasoning_tokens},
            {"usd", exact_dollars(cost)}};
}

json kind_object(const report_facts& f, const report_kind& k) {
    json batches = json::array();
    for (const auto& job : f.jobs)
        if (job.kind == k.built.kind && !job.batch_id.empty()) batches.push_back(job.batch_id);
    const auto updated = k.rows.find(outcome::ok);
    return {{"kind", name(k.built.kind)},
            {"model", k.built.model},
            {"value_version", k.built.version},
            {"batch_ids", std::move(batches)},
            {"requests", k.built.totals.requests},
            {"resent", k.resent},
            {"unsent", k.unsent},
            {"projected",
             {{"input_tokens", k.built.totals.input_tokens},
              {"output_cap", k.built.totals.output_cap},
              {"usd", exact_dollars(k.built.totals.bound)}}},
            {"actual", usage_object(k.used, k.actual)},
            {"rows_seen", k.built.rows.seen},
            {"rows_selected", k.built.rows.selected},
            {"rows_identical", k.built.rows.identical},
            {"replaced_texts", k.built.replaced_texts},
            {"skipped", skipped_object(k.built.rows)},
            {"rows", outcome_object(k)},
            {"updated", updated == k.rows.end() ? 0 : updated->second},
            {"warnings", k.built.warnings}};
}

json twin_object(const report_twin& t) {
    return {{"batch_id", t.batch_id},
            {"batch_status", t.batch_status},
            {"completed", t.completed},
            {"actual", t.ended ? usage_object(t.used, t.actual) : json(nullptr)},
            {"unproven_usd", exact_dollars(t.unproven)}};
}

json job_object(const report_job& job) {
    json twins = json::array();
    for (const auto& t : job.twins)
        twins.push_back(twin_object(t));
    return {{"id", job.id},
            {"kind", name(job.kind)},
            {"try", job.attempt},
            {"state", job.state},
            {"batch_id", text_or_null(job.batch_id)},
            {"batch_status", text_or_null(job.batch_status)},
            {"requests", job.requests},
            {"bound_usd", exact_dollars(job.bound)},
            {"actual_usd", exact_dollars(job.actual)},
            {"strays", job.strays},
            {"queue_ms", or_null(job.queue_ms)},
            {"run_ms", or_null(job.run_ms)},
            {"merge_ms", or_null(job.merge_ms)},
            {"twins", std::move(twins)}};
}

json cause_object(const report_cause& c) {
    return {{"kind", name(c.kind)}, {"outcome", name(c.how)}, {"http_status", c.http_status},
            {"reason", c.reason},   {"count", c.count},       {"sample_key", c.sample_key}};
}

} // namespace

money projected(const report_facts& facts) {
    money sum;
    for (const auto& k : facts.kinds)
        sum += k.built.totals.bound;
    return sum;
}

money actual(const report_facts& facts) {
    money sum;
    for (const auto& k : facts.kinds)
        sum += k.actual;
    return sum;
}

std::string report_json(const report_facts& f) {
    json kinds = json::array();
    for (const auto& k : f.kinds)
        kinds.push_back(kind_object(f, k));
    json jobs = json::array();
    for (const auto& job : f.jobs)
        jobs.push_back(job_object(job));
    json causes = json::array();
    for (const auto& c : f.causes)
        causes.push_back(cause_object(c));
    const json report = {{"schema_version", 1},
                         {"version", f.program_version},
                         {"run_id", f.run},
                         {"command", f.command},
                         {"state", f.state},
                         {"started_ms", f.started_ms},
                         {"written_ms", f.written_ms},
                         {"order", order_object(f)},
                         {"money",
                          {{"limit_usd", exact_dollars(f.limit)},
                           {"projected_usd", exact_dollars(projected(f))},
                           {"actual_usd", exact_dollars(actual(f))}}},
                         {"kinds", std::move(kinds)},
                         {"jobs", std::move(jobs)},
                         {"causes", std::move(causes)},
                         {"causes_left_out", f.causes_left_out}};
    return report.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

} // namespace enrichd
