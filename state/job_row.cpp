// SPDX-License-Identifier: Apache-2.0
#include "state/job_row.hpp"

#include "core/control_errors.hpp"
#include "core/json_edge.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <charconv>

namespace enrichd {

namespace {

using json = nlohmann::json;

std::optional<std::int64_t> parse_name(std::string_view text, std::string_view prefix) {
    if (text.substr(0, prefix.size()) == prefix) text.remove_prefix(prefix.size());
    std::int64_t id = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (ec != std::errc{} || end != text.data() + text.size() || id <= 0) return std::nullopt;
    return id;
}

std::string_view name(job::merge_cursor::part p) {
    switch (p) {
    case job::merge_cursor::part::output: return "output";
    case job::merge_cursor::part::errors: return "errors";
    case job::merge_cursor::part::rest: return "rest";
    }
    return "";
}

job::merge_cursor::part parse_part(std::string_view word) {
    if (word == "output") return job::merge_cursor::part::output;
    if (word == "errors") return job::merge_cursor::part::errors;
    return job::merge_cursor::part::rest;
}

json usage_json(const std::optional<token_usage>& u) {
    if (!u) return nullptr;
    return {{"input", u->input_tokens},
            {"cached", u->cached_tokens},
            {"output", u->output_tokens},
            {"reasoning", u->reasoning_tokens}};
}

json optional_text(const std::optional<std::string>& s) {
    return s ? json(*s) : json(nullptr);
}

batch_status parse_status(std::string_view word) {
    for (auto s : {batch_status::validating, batch_status::in_progress, batch_status::finalizing,
                   batch_status::completed, batch_status::failed, batch_status::expired,
                   batch_status::cancelling, batch_status::cancelled})
        if (name(s) == word) return s;
    return batch_status::unknown;
}

// One pair of functions a state that has fields; states without have the generic pair.

template <class S>
json fields(const S&) {
    return json::object();
}
json fields(const job::intent_upload& s) {
    return {{"submission", s.submission}};
}
json fields(const job::uploaded& s) {
    return {{"file_id", s.file_id},
            {"unused_submission", s.unused_submission},
            {"unused_since_ms", s.unused_since_ms}};
}
json fields(const job::intent_submit& s) {
    return {{"submission", s.submission}, {"file_id", s.file_id}, {"since_ms", s.since_ms}};
}
json fields(const job::submit_unknown& s) {
    return {
        {"submission", s.submission}, {"file_id", s.file_id}, {"since_ms", s.since_ms}, {"looks", s.looks}};
}
json fields(const job::submitted& s) {
    return {{"submission", s.submission},
            {"file_id", s.file_id},
            {"batch_id", s.batch_id},
            {"created_at", s.created_at}};
}
json fields(const job::polling& s) {
    return {{"submission", s.submission},
            {"file_id", s.file_id},
            {"batch_id", s.batch_id},
            {"created_at", s.created_at},
            {"status", name(s.status)},
            {"total", s.total},
            {"completed", s.completed},
            {"failed", s.failed},
            {"output_file_id", optional_text(s.output_file_id)},
            {"error_file_id", optional_text(s.error_file_id)},
            {"billed", usage_json(s.billed)},
            {"polls", s.polls},
            {"looks_for_files", s.looks_for_files},
            {"cancel_sent", s.cancel_sent}};
}
json fields(const job::fetched& s) {
    return {{"submission", s.submission},
            {"batch_id", s.batch_id},
            {"ended_as", name(s.ended_as)},
            {"has_output", s.has_output},
            {"has_errors", s.has_errors},
            {"part", name(s.next.where)},
            {"offset", s.next.offset},
            {"slice", s.next.slice},
            {"lines", s.next.lines},
            {"billed", usage_json(s.billed)},
            {"output_sha256", s.digests.output},
            {"errors_sha256", s.digests.errors},
            {"some_gone", s.some_gone}};
}
json fields(const job::merged& s) {
    return {{"batch_id", s.batch_id}};
}
json fields(const job::discarded& s) {
    return s.cut_to > 0 ? json{{"cut_to", s.cut_to}} : json::object();
}
json fields(const job::failed& s) {
    return {{"reason", s.reason}};
}

// Reading: a field that is absent or of another type takes the empty value; the ledger's own CHECKs and the
// test that every state reads back guard the form.

std::string text(const json& j, const char* key) {
    const auto it = j.find(key);
    return it != j.end() && it->is_string() ? it->get<std::string>() : std::string();
}
std::int64_t number(const json& j, const char* key) {
    const auto it = j.find(key);
    return it != j.end() && it->is_number_integer() ? it->get<std::int64_t>() : 0;
}
bool flag(const json& j, const char* key) {
    const auto it = j.find(key);
    return it != j.end() && it->is_boolean() && it->get<bool>();
}
std::optional<std::string> maybe_text(const json& j, const char* key) {
    const auto it = j.find(key);
    if (it == j.end() || !it->is_string()) return std::nullopt;
    return it->get<std::string>();
}

std::optional<token_usage> read_usage(const json& j) {
    const auto it = j.find("billed");
    if (it == j.end() || !it->is_object()) return std::nullopt;
    return token_usage{number(*it, "input"), number(*it, "cached"), number(*it, "output"),
                       number(*it, "reasoning")};
}

job::polling read_polling(const json& j) {
    job::polling s;
    s.submission = text(j, "submission");
    s.file_id = text(j, "file_id");
    s.batch_id = text(j, "batch_id");
    s.created_at = number(j, "created_at");
    s.status = parse_status(text(j, "status"));
    s.total = number(j, "total");
    s.completed = number(j, "completed");
    s.failed = number(j, "failed");
    s.output_file_id = maybe_text(j, "output_file_id");
    s.error_file_id = maybe_text(j, "error_file_id");
    s.billed = read_usage(j);
    s.polls = number(j, "polls");
    s.looks_for_files = number(j, "looks_for_files");
    s.cancel_sent = flag(j, "cancel_sent");
    return s;
}

job::fetched read_fetched(const json& j) {
    job::fetched s;
    s.submission = text(j, "submission");
    s.batch_id = text(j, "batch_id");
    s.ended_as = parse_status(text(j, "ended_as"));
    s.has_output = flag(j, "has_output");
    s.has_errors = flag(j, "has_errors");
    s.billed = read_usage(j);
    s.next.where = parse_part(text(j, "part"));
    s.next.offset = static_cast<std::uint64_t>(number(j, "offset"));
    s.next.slice = number(j, "slice");
    s.next.lines = static_cast<std::uint64_t>(number(j, "lines"));
    s.digests = {text(j, "output_sha256"), text(j, "errors_sha256")};
    s.some_gone = flag(j, "some_gone");
    return s;
}

} // namespace

std::string job_name(std::int64_t id) {
    return std::to_string(id);
}

std::string run_name(std::int64_t id) {
    return fmt::format("r{}", id);
}

std::optional<std::int64_t> parse_job_name(std::string_view text) {
    return parse_name(text, "");
}

std::optional<std::int64_t> parse_run_name(std::string_view text) {
    if (text.empty() || text.front() != 'r') return std::nullopt;
    return parse_name(text, "r");
}

std::int64_t waiting::times_seen(const std::string& sign) const {
    const auto found = signs.find(sign);
    return found == signs.end() ? 0 : found->second;
}

std::map<std::string, std::int64_t> with_sign(std::map<std::string, std::int64_t> signs,
                                              const std::string& sign) {
    constexpr std::size_t most_signs = 16; // more say that nothing is the same twice
    if (sign.empty()) return {};
    if (signs.size() >= most_signs && !signs.contains(sign)) signs.clear();
    ++signs[sign];
    return signs;
}

std::string signs_word(const waiting& w) {
    return w.signs.empty() ? std::string() : json(w.signs).dump();
}

std::map<std::string, std::int64_t> parse_signs(const std::string& word) {
    std::map<std::string, std::int64_t> signs;
    const auto object = parse_json(word);
    if (!object || !object->is_object()) return signs;
    for (const auto& [sign, seen] : object->items())
        if (const auto times = integer_member(*object, sign)) signs[sign] = *times;
    return signs;
}

std::optional<std::string_view> cause_word(const waiting& w) {
    return w.cause ? std::optional(name(*w.cause)) : std::nullopt;
}

std::optional<errc> parse_cause(const std::optional<std::string>& word) {
    // A word of a newer program is an obstacle all the same.
    return word ? std::optional(parse_errc(*word).value_or(errc::internal)) : std::nullopt;
}

std::string_view name(job::goal g) {
    switch (g) {
    case job::goal::built: return "built";
    case job::goal::fetched: return "fetched";
    case job::goal::merged: return "merged";
    }
    return "";
}

std::optional<job::goal> parse_goal(std::string_view word) {
    for (auto g : {job::goal::built, job::goal::fetched, job::goal::merged})
        if (name(g) == word) return g;
    return std::nullopt;
}

std::string_view name(job::cancel_reason r) {
    switch (r) {
    case job::cancel_reason::none: return "none";
    case job::cancel_reason::user: return "user";
    case job::cancel_reason::deadline: return "deadline";
    case job::cancel_reason::abandon: return "abandon";
    }
    return "";
}

std::optional<job::cancel_reason> parse_cancel_reason(std::string_view word) {
    for (auto r : {job::cancel_reason::none, job::cancel_reason::user, job::cancel_reason::deadline,
                   job::cancel_reason::abandon})
        if (name(r) == word) return r;
    return std::nullopt;
}

std::string state_fields(const job::state& s) {
    return std::visit([](const auto& alternative) { return fields(alternative).dump(); }, s);
}

result<job::state> read_state(std::string_view word, std::string_view column) {
    const auto j = json::parse(column, nullptr, false);
    if (!j.is_object())
        return error{errc::internal,
                     fmt::format("the ledger's fields of state {} are not readable", safe_excerpt(word, 40))};
    if (word == "built") return job::state{job::built{}};
    if (word == "intent_upload") return job::state{job::intent_upload{text(j, "submission")}};
    if (word == "uploaded")
        return job::state{
            job::uploaded{text(j, "file_id"), text(j, "unused_submission"), number(j, "unused_since_ms")}};
    if (word == "intent_submit")
        return job::state{
            job::intent_submit{text(j, "submission"), text(j, "file_id"), number(j, "since_ms")}};
    if (word == "submit_unknown")
        return job::state{job::submit_unknown{text(j, "submission"), text(j, "file_id"),
                                              number(j, "since_ms"), number(j, "looks")}};
    if (word == "submitted")
        return job::state{job::submitted{text(j, "submission"), text(j, "file_id"), text(j, "batch_id"),
                                         number(j, "created_at")}};
    if (word == "polling") return job::state{read_polling(j)};
    if (word == "fetched") return job::state{read_fetched(j)};
    if (word == "merged") return job::state{job::merged{text(j, "batch_id")}};
    if (word == "failed") return job::state{job::failed{text(j, "reason")}};
    if (word == "cancelled") return job::state{job::cancelled{}};
    if (word == "discarded")
        return job::state{job::discarded{static_cast<std::uint64_t>(number(j, "cut_to"))}};
    return error{errc::internal,
                 fmt::format("the ledger has a job in the unknown state \"{}\"", safe_excerpt(word, 40))};
}

} // namespace enrichd
