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
    std::int64_t input_tokens = 0, batch_total = 0, batch_done = 0, batch_failed = 0;
    std::optional<std::int64_t> created_ms, submitted_ms, ended_ms, next_due_ms, deadline_ms, state_since_ms;
    std::map<std::string, std::int64_t> outcomes;
    std::optional<control::refusal> blocked, error;

    bool has_ended() const {
        return state == "merged" || state == "failed" || state == "cancelled" || state == "discarded";
    }
    /// The results are here, or never will be.
    bool is_fetched() const { return state == "fetched" || has_ended(); }
    /// Requests that the provider is done with, in whatever way they ended.
    std::int64_t ended() const { return is_fetched() ? requests : batch_done + batch_failed; }
    /// Requests that brought a result: by their outcomes, or as the provider last counted.
    std::int64_t ok() const;
    /// built, sending (until the provider has a batch), submitted, polling or merged, or how else it ended.
    std::string stage() const;
};
job_view read_job(const json& job);

struct run_view {
    std::string id, command, state, report;
    std::string limit_usd, projected_usd, reserved_usd, spent_usd;
    std::int64_t requests = 0, updated = 0, replaced_texts = 0;
    std::string waiting_for; ///< why building waits; empty: it does not
    std::map<std::string, std::int64_t> rows, outcomes;
    std::map<std::string, std::map<std::string, std::int64_t>> rows_by_kind;
    std::vector<std::string> in_flight_jobs;
    std::vector<job_view> jobs;
    std::optional<std::int64_t> started_ms, ended_ms, next_due_ms;
    std::optional<control::refusal> error;

    bool has_ended() const { return state == "done" || state == "refused" || state == "cancelled"; }
    bool is_building() const { return state == "requested" || state == "building"; }
    bool has_nothing_to_do() const { return has_ended() && requests == 0 && !error; }
};
run_view read_run(const json& run);

/// Requests that ended without a value, by their outcomes; those that were cancelled are no failures.
std::int64_t failed_requests(const std::map<std::string, std::int64_t>& outcomes);
/// What became of the requests without a value, "3 requests failed, 2 cancelled"; empty: nothing did.
std::string losses(const std::map<std::string, std::int64_t>& outcomes);
/// "ok 28, http_error 2", without the zeros.
std::string outcomes_of(const std::map<std::string, std::int64_t>& outcomes);

/// How far a job's requests are: "40 of 120 requests done", and after the end "3 of 3 requests ended (1 ok, 2
/// expired)".
std::string requests_of(const job_view& job);
std::string requests_of(const run_view& run);
/// Requests of a run that have ended; one that is sent again has not.
std::int64_t ended_requests(const run_view& run);

/// "latest", or such as "r12".
bool is_run_id(const std::string& id);

} // namespace enrichd::ctl
