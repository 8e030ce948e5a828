// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/records.hpp"

#include <nlohmann/json.hpp>

namespace enrichd::sandbox {

namespace {

using nlohmann::json;

constexpr std::string_view phase_words[] = {"validating", "in_progress", "finalizing", "cancelling",
                                            "completed",  "failed",      "expired",    "cancelled"};

// One list of fields serves both directions: `io` writes them into the JSON, or reads them from it.
template <class Io, class Faults>
void each_fault(Io&& io, Faults& f) {
    io("fail_code", f.fail_code);
    io("fail_message", f.fail_message);
    io("expire_at", f.expire_at);
    io("cancel_at", f.cancel_at);
    io("stall_at", f.stall_at);
    io("seconds", f.seconds);
    io("hidden_ms", f.hidden_ms);
    io("hidden_calls", f.hidden_calls);
    io("reorder", f.reorder);
    io("null_output_file", f.null_output_file);
    io("empty_error_file_id", f.empty_error_file_id);
}

template <class Io, class Batch>
void each_field(Io&& io, Batch& b) {
    io("ordinal", b.ordinal);
    io("in_scenario", b.in_scenario);
    io("id", b.id);
    io("endpoint", b.endpoint);
    io("input_file_id", b.input_file_id);
    io("completion_window", b.completion_window);
    io("metadata", b.metadata);
    io("model", b.model);
    io("output_file_id", b.output_file_id);
    io("error_file_id", b.error_file_id);
    io("output_ttl", b.output_ttl);
    io("created_ms", b.created_ms);
    io("in_progress_ms", b.in_progress_ms);
    io("finalizing_ms", b.finalizing_ms);
    io("completed_ms", b.completed_ms);
    io("failed_ms", b.failed_ms);
    io("expired_ms", b.expired_ms);
    io("cancelling_ms", b.cancelling_ms);
    io("cancelled_ms", b.cancelled_ms);
    io("total", b.total);
    io("completed", b.completed);
    io("failed", b.failed);
    io("billed_input", b.billed.input);
    io("billed_output", b.billed.output);
    io("billed_reasoning", b.billed.reasoning);
    io("enqueued_tokens", b.enqueued_tokens);
    io("lines_done", b.lines_done);
    io("input_offset", b.input_offset);
    io("output_bytes", b.output_bytes);
    io("error_bytes", b.error_bytes);
    io("rule_hits", b.rule_hits);
    each_fault(io, b.faults);
}

struct writer {
    json& out;
    template <class T>
    void operator()(const char* field, const T& value) const {
        out[field] = value;
    }
    template <class T>
    void operator()(const char* field, const std::optional<T>& value) const {
        if (value) out[field] = *value;
    }
};

// The database is ours: what is missing or of another type there is a broken file, and throws.
struct reader {
    const json& in;
    template <class T>
    void operator()(const char* field, T& value) const {
        in.at(field).get_to(value);
    }
    template <class T>
    void operator()(const char* field, std::optional<T>& value) const {
        if (in.contains(field)) value = in.at(field).get<T>();
    }
};

} // namespace

std::string_view name(phase p) {
    return phase_words[static_cast<std::size_t>(p)];
}

std::optional<phase> parse_phase(std::string_view word) {
    for (std::size_t i = 0; i < std::size(phase_words); ++i)
        if (phase_words[i] == word) return static_cast<phase>(i);
    return std::nullopt;
}

std::string to_json(const batch_record& b) {
    json out;
    each_field(writer{out}, b);
    out["status"] = name(b.status);
    out["errors"] = json::array();
    for (const auto& e : b.errors) {
        json item = {{"code", e.code}, {"message", e.message}};
        writer{item}("param", e.param);
        writer{item}("line", e.line);
        out["errors"].push_back(std::move(item));
    }
    return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<batch_record> batch_from_json(std::string_view text) {
    const auto in = json::parse(text, nullptr, false);
    if (!in.is_object()) return std::nullopt;
    batch_record b;
    each_field(reader{in}, b);
    const auto status = parse_phase(in.at("status").get<std::string>());
    if (!status) return std::nullopt;
    b.status = *status;
    for (const auto& item : in.at("errors")) {
        auto& e = b.errors.emplace_back();
        reader{item}("code", e.code);
        reader{item}("message", e.message);
        reader{item}("param", e.param);
        reader{item}("line", e.line);
    }
    return b;
}

} // namespace enrichd::sandbox
