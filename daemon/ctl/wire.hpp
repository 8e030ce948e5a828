// The daemon's replies as structs. A field that is missing or of another type reads as empty, so that a
// client understands older and newer daemons.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/client.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace enrichd::ctl {

using control::json;

/// A JSON object, looked into without ever throwing.
class fields {
public:
    explicit fields(const json& object) : object_(object) {}

    std::string text(const char* name) const;
    std::int64_t count(const char* name) const;
    bool flag(const char* name) const;
    std::optional<std::int64_t> time(const char* name) const;
    std::vector<std::string> texts(const char* name) const;
    std::optional<control::refusal> error(const char* name) const;
    std::map<std::string, std::int64_t> counts(const char* name) const;
    /// Null where there is none.
    const json& object(const char* name) const;
    /// Empty where there is none.
    const json& list(const char* name) const;

private:
    const json* find(const char* name) const;

    const json& object_;
};

struct job_view {
    std::string id, run_id, kind, state, batch_id, batch_status, model, value_version, why, next, held;
    std::string bound_usd, actual_usd, sha256;
    std::int64_t requests = 0, rows = 0, updated = 0, skipped_count = 0, file_number = 0, file_bytes = 0;
    std::int64_t input_tokens = 0, batch_done = 0, batch_failed = 0;
    std::optional<std::int64_t> created_ms, submitted_ms, ended_ms, next_due_ms, deadline_ms, state_since_ms;
    std::map<std::string, std::int64_t> outcomes;
    std::optional<control::refusal> blocked, error;

    bool has_ended() const {
        return state == "merged" || state == "failed" || state == "cancelled" || state == "discarded";
    }
    /// The results are here, or never will be.
    bool is_fetched() const { return state == "fetched" || has_ended(); }
    /// Requests that the provider is done with.
    std::int64_t done() const { return is_fetched() ? requests : batch_done + batch_failed; }
    /// built, submitted, polling or merged, or how else it ended.
    std::string stage() const;
};
job_view read_job(const json& job);

struct run_view {
    std::string id, command, state, report;
    std::string limit_usd, projected_usd, reserved_usd, spent_usd;
    std::int64_t requests = 0, updated = 0;
    std::map<std::string, std::int64_t> rows, outcomes;
    std::vector<std::string> in_flight_jobs;
    std::vector<job_view> jobs;
    std::optional<std::int64_t> started_ms, ended_ms;
    std::optional<control::refusal> error;

    bool has_ended() const { return state == "done" || state == "refused" || state == "cancelled"; }
    bool is_building() const { return state == "requested" || state == "building"; }
};
run_view read_run(const json& run);

/// Requests that ended without a value, by their outcomes.
std::int64_t failed_requests(const std::map<std::string, std::int64_t>& outcomes);

} // namespace enrichd::ctl
