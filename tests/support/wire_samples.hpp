// Jobs and runs as docs/control-protocol.md shows them, for a fake daemon to answer with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace enrichd::test {

using json = nlohmann::json;

inline json outcome_counts(std::vector<std::pair<std::string, int>> some = {}) {
    json counts;
    for (const char* name :
         {"pending", "ok", "skipped", "stale", "gone", "http_error", "expired", "cancelled", "missing",
          "unparseable", "refused", "truncated", "invalid", "unsent"})
        counts[name] = 0;
    for (const auto& [name, n] : some)
        counts[name] = n;
    return counts;
}

inline json sample_job(const std::string& id, const std::string& state) {
    return {{"id", id},
            {"run_id", "r12"},
            {"kind", "summaries"},
            {"state", state},
            {"batch_id", nullptr},
            {"batch_status", nullptr},
            {"batch_counts", nullptr},
            {"model", "gpt-4o-mini"},
            {"value_version", "gpt-4o-mini-3fa9c1d2e4b5"},
            {"file", {{"number", 1}, {"count", 1}, {"bytes", 812345}, {"sha256", ""}}},
            {"requests", 120},
            {"rows", 126},
            {"outcomes", outcome_counts({{"pending", 120}})},
            {"updated", 0},
            {"skipped_count", 0},
            {"bound_usd", "0.02448"},
            {"actual_usd", nullptr},
            {"created_ms", 1763820001000},
            {"why", "the provider works on it"},
            {"next", "looks again"},
            {"held", nullptr},
            {"blocked", nullptr},
            {"error", nullptr}};
}

/// A job whose batch the provider knows.
inline json sample_batch(const std::string& id, const std::string& state, int done = 0) {
    auto job = sample_job(id, state);
    job["batch_id"] = "batch_abc123";
    job["batch_status"] = "in_progress";
    job["batch_counts"] = {{"total", 120}, {"completed", done}, {"failed", 0}};
    return job;
}

inline json sample_run(const std::string& state, std::vector<json> jobs = {}) {
    return {
        {"id", "r12"},
        {"command", "run"},
        {"state", state},
        {"kinds", {"summaries"}},
        {"rows", {{"seen", 1200}, {"selected", 126}, {"done", 1074}, {"in_flight", 0}, {"identical", 6}}},
        {"in_flight_jobs", json::array()},
        {"requests", 120},
        {"outcomes", outcome_counts({{"ok", 120}})},
        {"updated", 126},
        {"budget",
         {{"limit_usd", "200"}, {"projected_usd", "0.0135"}, {"reserved_usd", "0"}, {"spent_usd", "0.0121"}}},
        {"jobs", std::move(jobs)},
        {"error", nullptr},
        {"report", "/var/lib/enrichd/output/validation/latest/enrichment_report.md"}};
}

inline json error_object(const std::string& code, const std::string& message) {
    return {{"code", code}, {"message", message}, {"hint", "a hint"}};
}

} // namespace enrichd::test
