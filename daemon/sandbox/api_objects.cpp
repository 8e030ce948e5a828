// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/api_objects.hpp"

#include "daemon/sandbox/or_null.hpp"

namespace enrichd::sandbox {

namespace {

using nlohmann::ordered_json;

ordered_json seconds(const std::optional<std::int64_t>& ms) {
    return ms ? ordered_json(*ms / 1000) : ordered_json(nullptr);
}

ordered_json errors_of(const batch_record& b) {
    if (b.errors.empty()) return nullptr;
    ordered_json data = ordered_json::array();
    for (const auto& e : b.errors) {
        ordered_json item;
        item["code"] = e.code;
        item["message"] = e.message;
        item["param"] = or_null(e.param);
        item["line"] = e.line ? ordered_json(*e.line) : ordered_json(nullptr);
        data.push_back(std::move(item));
    }
    ordered_json out;
    out["object"] = "list";
    out["data"] = std::move(data);
    return out;
}

ordered_json usage_of(const bill& b) {
    ordered_json out;
    out["input_tokens"] = b.input;
    out["input_tokens_details"]["cached_tokens"] = 0;
    out["output_tokens"] = b.output;
    out["output_tokens_details"]["reasoning_tokens"] = b.reasoning;
    out["total_tokens"] = b.input + b.output;
    return out;
}

void add_file_ids(ordered_json& out, const batch_record& b) {
    const bool shown = is_end(b.status);
    out["output_file_id"] =
        shown && !b.faults.null_output_file ? or_null(b.output_file_id) : ordered_json(nullptr);
    out["error_file_id"] = shown ? or_null(b.error_file_id) : ordered_json(nullptr);
    if (shown && !b.error_file_id && b.faults.empty_error_file_id) out["error_file_id"] = "";
}

} // namespace

ordered_json file_object(const file_record& f) {
    ordered_json out;
    out["object"] = "file";
    out["id"] = f.id;
    out["purpose"] = f.purpose;
    out["filename"] = f.filename;
    out["bytes"] = f.bytes;
    out["created_at"] = f.created_at;
    out["expires_at"] = f.expires_at ? ordered_json(*f.expires_at) : ordered_json(nullptr);
    out["status"] = "processed";
    out["status_details"] = nullptr;
    return out;
}

ordered_json batch_object(const batch_record& b) {
    ordered_json out;
    out["id"] = b.id;
    out["object"] = "batch";
    out["endpoint"] = b.endpoint;
    out["model"] = b.model.empty() ? ordered_json(nullptr) : ordered_json(b.model);
    out["errors"] = errors_of(b);
    out["input_file_id"] = b.input_file_id;
    out["completion_window"] = b.completion_window;
    out["status"] = name(b.status);
    add_file_ids(out, b);
    out["created_at"] = b.created_ms / 1000;
    out["in_progress_at"] = seconds(b.in_progress_ms);
    out["expires_at"] = b.created_ms / 1000 + 86'400; // as the API says it, however compressed the clock is
    out["finalizing_at"] = seconds(b.finalizing_ms);
    out["completed_at"] = seconds(b.completed_ms);
    out["failed_at"] = seconds(b.failed_ms);
    out["expired_at"] = seconds(b.expired_ms);
    out["cancelling_at"] = seconds(b.cancelling_ms);
    out["cancelled_at"] = seconds(b.cancelled_ms);
    ordered_json counts;
    counts["total"] = b.total;
    counts["completed"] = b.completed;
    counts["failed"] = b.failed;
    out["request_counts"] = std::move(counts);
    out["usage"] = usage_of(b.billed);
    out["metadata"] = ordered_json::parse(b.metadata, nullptr, false);
    return out;
}

ordered_json model_object(const played_model& m) {
    ordered_json out;
    out["id"] = m.name;
    out["object"] = "model";
    out["created"] = 1735689600; // the sandbox does not know; a constant is at least the same everywhere
    out["owned_by"] = "enrich-sandbox";
    out["shutdown_date"] = m.shutdown_date.empty() ? ordered_json(nullptr) : ordered_json(m.shutdown_date);
    return out;
}

ordered_json list_object(std::vector<ordered_json> items, bool has_more) {
    ordered_json out;
    out["object"] = "list";
    out["first_id"] = items.empty() ? ordered_json(nullptr) : items.front()["id"];
    out["last_id"] = items.empty() ? ordered_json(nullptr) : items.back()["id"];
    out["has_more"] = has_more;
    out["data"] = std::move(items);
    return out;
}

std::string text_of(const ordered_json& j, int indent) {
    return j.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

} // namespace enrichd::sandbox
