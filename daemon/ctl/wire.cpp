// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/wire.hpp"

namespace enrichd::ctl {

namespace {

const json nothing = nullptr;
const json empty_list = json::array();

} // namespace

const json* fields::find(const char* name) const {
    if (!object_.is_object()) return nullptr;
    const auto at = object_.find(name);
    return at == object_.end() || at->is_null() ? nullptr : &*at;
}

std::string fields::text(const char* name) const {
    const auto* at = find(name);
    const auto* s = at ? at->get_ptr<const std::string*>() : nullptr;
    return s ? *s : std::string();
}

std::int64_t fields::count(const char* name) const {
    const auto* at = find(name);
    return at && at->is_number_integer() ? at->get<std::int64_t>() : 0;
}

bool fields::flag(const char* name) const {
    const auto* at = find(name);
    return at && at->is_boolean() && at->get<bool>();
}

std::optional<std::int64_t> fields::time(const char* name) const {
    const auto* at = find(name);
    if (!at || !at->is_number_integer()) return std::nullopt;
    return at->get<std::int64_t>();
}

std::vector<std::string> fields::texts(const char* name) const {
    std::vector<std::string> out;
    for (const auto& element : list(name))
        if (const auto* s = element.get_ptr<const std::string*>()) out.push_back(*s);
    return out;
}

std::optional<control::refusal> fields::error(const char* name) const {
    const auto* at = find(name);
    if (!at || !at->is_object()) return std::nullopt;
    return control::read_refusal(*at);
}

std::map<std::string, std::int64_t> fields::counts(const char* name) const {
    std::map<std::string, std::int64_t> out;
    const auto& from = object(name);
    if (!from.is_object()) return out;
    for (const auto& [key, value] : from.items())
        if (value.is_number_integer()) out[key] = value.get<std::int64_t>();
    return out;
}

const json& fields::object(const char* name) const {
    const auto* at = find(name);
    return at && at->is_object() ? *at : nothing;
}

const json& fields::list(const char* name) const {
    const auto* at = find(name);
    return at && at->is_array() ? *at : empty_list;
}

std::string job_view::stage() const {
    if (state.starts_with("intent_") || state == "uploaded" || state == "submit_unknown") return "sending";
    if (state == "fetched") return "polling";
    return state;
}

job_view read_job(const json& job) {
    const fields f(job);
    const fields file(f.object("file")), batch(f.object("batch_counts"));
    job_view v;
    v.id = f.text("id");
    v.run_id = f.text("run_id");
    v.kind = f.text("kind");
    v.state = f.text("state");
    v.batch_id = f.text("batch_id");
    v.batch_status = f.text("batch_status");
    v.model = f.text("model");
    v.value_version = f.text("value_version");
    v.why = f.text("why");
    v.next = f.text("next");
    v.held = f.text("held");
    v.bound_usd = f.text("bound_usd");
    v.actual_usd = f.text("actual_usd");
    v.sha256 = file.text("sha256");
    v.file_number = file.count("number");
    v.file_bytes = file.count("bytes");
    v.requests = f.count("requests");
    v.rows = f.count("rows");
    v.updated = f.count("updated");
    v.skipped_count = f.count("skipped_count");
    v.input_tokens = f.count("input_tokens");
    v.batch_total = batch.count("total");
    v.batch_done = batch.count("completed");
    v.batch_failed = batch.count("failed");
    v.created_ms = f.time("created_ms");
    v.submitted_ms = f.time("submitted_ms");
    v.ended_ms = f.time("ended_ms");
    v.next_due_ms = f.time("next_due_ms");
    v.deadline_ms = f.time("deadline_ms");
    v.state_since_ms = f.time("state_since_ms");
    v.outcomes = f.counts("outcomes");
    v.blocked = f.error("blocked");
    v.error = f.error("error");
    return v;
}

run_view read_run(const json& run) {
    const fields f(run);
    const fields budget(f.object("budget"));
    run_view v;
    v.id = f.text("id");
    v.command = f.text("command");
    v.state = f.text("state");
    v.report = f.text("report");
    v.limit_usd = budget.text("limit_usd");
    v.projected_usd = budget.text("projected_usd");
    v.reserved_usd = budget.text("reserved_usd");
    v.spent_usd = budget.text("spent_usd");
    v.requests = f.count("requests");
    v.updated = f.count("updated");
    v.rows = f.counts("rows");
    v.replaced_texts = f.count("replaced_texts");
    v.waiting_for = f.text("waiting_for");
    v.outcomes = f.counts("outcomes");
    for (const auto& [kind, counts] : f.object("rows_by_kind").items())
        v.rows_by_kind[kind] = fields(f.object("rows_by_kind")).counts(kind.c_str());
    v.in_flight_jobs = f.texts("in_flight_jobs");
    for (const auto& job : f.list("jobs"))
        v.jobs.push_back(read_job(job));
    v.started_ms = f.time("started_ms");
    v.ended_ms = f.time("ended_ms");
    v.next_due_ms = f.time("next_due_ms");
    v.error = f.error("error");
    return v;
}

} // namespace enrichd::ctl
