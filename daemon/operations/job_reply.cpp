// SPDX-License-Identifier: Apache-2.0
#include "daemon/operations/job_reply.hpp"

#include "daemon/operations/error_object.hpp"
#include "daemon/operations/job_story.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace enrichd {

namespace {

using json = nlohmann::json;

template <class T>
json or_null(const std::optional<T>& value) {
    return value ? json(*value) : json(nullptr);
}

std::int64_t count_of(const outcome_tallies::counts& counts, outcome how) {
    const auto it = counts.find(how);
    return it == counts.end() ? 0 : it->second;
}

json batch_status_of(const job_row& job) {
    if (!job.batch_id) return nullptr;
    // A batch that fails as a whole takes its job straight to the end.
    const auto* failed = std::get_if<job::failed>(&job.state);
    if (failed && failed->reason != job::given_up) return name(batch_status::failed);
    return job.ended_as.empty() ? json(nullptr) : json(job.ended_as);
}

json batch_counts_of(const job_row& job) {
    if (!job.counts) return nullptr;
    return {
        {"total", job.counts->total}, {"completed", job.counts->completed}, {"failed", job.counts->failed}};
}

json usage_object(const token_usage& u) {
    return {{"input_tokens", u.input_tokens},
            {"cached_tokens", u.cached_tokens},
            {"output_tokens", u.output_tokens},
            {"reasoning_tokens", u.reasoning_tokens}};
}

void tell_story(const job_story& story, json& into) {
    into["why"] = story.why;
    into["next"] = story.next;
    into["held"] = or_null(story.held);
    into["blocked"] = story.blocked
                          ? error_object(story.blocked->code, story.blocked->message, story.blocked->hint)
                          : json(nullptr);
    into["error"] = story.failure ? error_object(story.failure->code, story.failure->detail) : json(nullptr);
}

// What they billed is part of what the job cost.
json twin_array(const std::vector<twin_row>& twins, token_usage& usage) {
    json all = json::array();
    for (const auto& t : twins) {
        usage += t.used;
        all.push_back({{"batch_id", t.batch_id},
                       {"batch_status", t.status},
                       {"completed", t.completed},
                       {"found_ms", t.found_ms},
                       {"actual_usd", t.ended ? json(exact_dollars(t.cost)) : json(nullptr)},
                       {"unproven_usd", exact_dollars(t.unproven)}});
    }
    return all;
}

} // namespace

json outcome_object(const outcome_tallies::counts& ended, std::int64_t requests) {
    json object = json::object();
    auto pending = requests;
    for (const auto how : all_outcomes) {
        const auto n = count_of(ended, how);
        object[std::string(name(how))] = n;
        pending -= n;
    }
    object["pending"] = pending;
    return object;
}

std::int64_t updated_rows(const outcome_tallies& t) {
    return count_of(t.rows, outcome::ok);
}

std::int64_t skipped_rows(const outcome_tallies& t) {
    return count_of(t.rows, outcome::skipped) + count_of(t.rows, outcome::stale) +
           count_of(t.rows, outcome::gone);
}

json job_reply::object(const job_row& job) {
    const auto& plan = job.plan;
    const auto tallies = ledger_.requests().tallies(job.id);
    const auto times = ledger_.times_of_job(job.id);
    const auto deadline = deadline_of(job, deadline_hours_);
    const auto beside = ledger_.twins().of_job(job.id);
    const bool was_billed = job.batch_id || std::ranges::any_of(beside, &twin_row::ended);
    const bool settled = job::has_ended(job.state) && was_billed;
    auto usage = job.used;
    auto twins = twin_array(beside, usage);
    json object = {
        {"id", job_name(job.id)},
        {"run_id", run_name(plan.run_id)},
        {"kind", name(plan.kind)},
        {"state", job::name(job.state)},
        {"state_since_ms", times.state_since_ms},
        {"batch_id", or_null(job.batch_id)},
        {"batch_status", batch_status_of(job)},
        {"batch_counts", batch_counts_of(job)},
        {"model", plan.model},
        {"value_version", plan.version},
        {"file", file_place(job)},
        {"requests", plan.totals.requests},
        {"rows", plan.row_count},
        {"outcomes", outcome_object(tallies.requests, static_cast<std::int64_t>(plan.totals.requests))},
        {"updated", updated_rows(tallies)},
        {"skipped_count", skipped_rows(tallies)},
        {"input_tokens", plan.totals.input_tokens},
        {"output_cap", plan.totals.output_cap},
        {"bound_usd", exact_dollars(plan.totals.bound)},
        {"actual_usd", settled ? json(exact_dollars(job.actual)) : json(nullptr)},
        {"usage", settled ? usage_object(usage) : json(nullptr)},
        {"created_ms", job.created_ms},
        {"submitted_ms", or_null(times.submitted_ms)},
        {"deadline_ms", or_null(deadline)},
        {"ended_ms", or_null(job.ended_ms)},
        {"next_due_ms", or_null(job.waiting.due_ms)},
        {"maybe_duplicate", job.maybe_duplicate},
        {"twins", std::move(twins)},
    };
    tell_story(tell(job, paused_, deadline), object);
    return object;
}

json job_reply::array(const std::vector<job_row>& jobs) {
    json all = json::array();
    for (const auto& job : jobs)
        all.push_back(object(job));
    return all;
}

// What one command built, or one settling sent again, for a kind is a set of files.
json job_reply::file_place(const job_row& job) {
    auto known = runs_.find(job.plan.run_id);
    if (known == runs_.end())
        known = runs_.emplace(job.plan.run_id, ledger_.jobs().of_run(job.plan.run_id)).first;
    std::int64_t number = 0;
    std::int64_t count = 0;
    for (const auto& other : known->second) {
        if (other.plan.kind != job.plan.kind || other.plan.attempt != job.plan.attempt) continue;
        ++count;
        if (other.id <= job.id) ++number;
    }
    return {{"number", number},
            {"count", count},
            {"bytes", job.plan.totals.bytes},
            {"sha256", job.plan.file_sha256}};
}

} // namespace enrichd
