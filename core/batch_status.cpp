// SPDX-License-Identifier: Apache-2.0
#include "core/batch_status.hpp"

#include "core/json_edge.hpp"
#include "core/quota_message.hpp"
#include "core/safe_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace enrichd {

namespace {

using nlohmann::json;

struct word {
    std::string_view text;
    batch_status status;
};

// The provider's own words come first for each status; name() takes those.
constexpr word status_words[] = {
    {"validating", batch_status::validating},
    {"in_progress", batch_status::in_progress},
    {"finalizing", batch_status::finalizing},
    {"completed", batch_status::completed},
    {"failed", batch_status::failed},
    {"expired", batch_status::expired},
    {"cancelling", batch_status::cancelling},
    {"cancelled", batch_status::cancelled},
    {"unknown", batch_status::unknown},
    // Other servers spell these as Americans do.
    {"canceling", batch_status::cancelling},
    {"canceled", batch_status::cancelled},
};

std::string lower(std::string s) {
    std::transform(s.begin(), s.end(), s.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return s;
}

batch_status status_of(std::string_view text) {
    const auto found = std::find_if(std::begin(status_words), std::end(status_words),
                                    [&](const word& w) { return w.text == text; });
    return found == std::end(status_words) ? batch_status::unknown : found->status;
}

// More than fifty thousand requests of two hundred thousand tokens each: what is beyond is no figure, and
// must not overflow where it is multiplied by a price.
constexpr std::int64_t largest_figure = 10'000'000'000;

std::int64_t count_member(const json* object, std::string_view key) {
    return object ? std::clamp<std::int64_t>(integer_member(*object, key).value_or(0), 0, largest_figure) : 0;
}

std::optional<token_usage> read_usage(const json* usage) {
    if (!usage || (!member(*usage, "input_tokens") && !member(*usage, "output_tokens"))) return std::nullopt;
    token_usage u;
    u.input_tokens = count_member(usage, "input_tokens");
    u.output_tokens = count_member(usage, "output_tokens");
    // A part is not more than its whole: a job's cost would come out too low, or below nothing.
    u.cached_tokens =
        std::min(count_member(member(*usage, "input_tokens_details"), "cached_tokens"), u.input_tokens);
    u.reasoning_tokens =
        std::min(count_member(member(*usage, "output_tokens_details"), "reasoning_tokens"), u.output_tokens);
    return u;
}

// {"object": "list", "data": [...]}, or the array alone.
std::vector<batch_error> read_errors(const json* errors) {
    std::vector<batch_error> out;
    const json* list = errors && errors->is_object() ? member(*errors, "data") : errors;
    if (!list || !list->is_array()) return out;
    for (const auto& entry : *list) {
        if (!entry.is_object()) continue;
        out.push_back({safe_text(text_member(entry, "code").value_or("")),
                       safe_text(text_member(entry, "message").value_or("")), integer_member(entry, "line")});
    }
    return out;
}

std::map<std::string, std::string> read_metadata(const json* metadata) {
    std::map<std::string, std::string> out;
    if (!metadata || !metadata->is_object()) return out;
    for (const auto& [key, value] : metadata->items())
        if (const auto* text = value.get_ptr<const std::string*>()) out.emplace(key, *text);
    return out;
}

error unreadable(std::string_view what, std::string_view why, std::string_view sent) {
    return {errc::provider_invalid, fmt::format("{}: {}: {}", what, why, safe_excerpt(sent))};
}

// Absent, and `why` says what is wrong, if what every batch has is not there.
std::optional<batch_object> read_batch(const json& o, std::string& why) {
    batch_object b;
    const auto id = text_member(o, "id");
    const auto status = text_member(o, "status");
    const auto created_at = time_member(o, "created_at");
    why = !o.is_object() ? "not an object"
          : !id          ? "'id' is missing"
          : !status      ? "'status' is missing"
          : !created_at  ? "'created_at' is missing or no time"
                         : "";
    if (!why.empty()) return std::nullopt;

    b.id = *id;
    b.status_word = lower(*status);
    b.status = status_of(b.status_word);
    b.created_at = *created_at;
    b.expires_at = time_member(o, "expires_at");
    b.input_file_id = text_member(o, "input_file_id").value_or("");
    b.endpoint = text_member(o, "endpoint").value_or("");
    b.output_file_id = text_member(o, "output_file_id");
    b.error_file_id = text_member(o, "error_file_id");
    const auto* counts = member(o, "request_counts");
    b.total = count_member(counts, "total");
    b.completed = count_member(counts, "completed");
    b.failed = count_member(counts, "failed");
    b.usage = read_usage(member(o, "usage"));
    b.errors = read_errors(member(o, "errors"));
    b.metadata = read_metadata(member(o, "metadata"));
    return b;
}

} // namespace

std::string_view name(batch_status s) {
    return std::find_if(std::begin(status_words), std::end(status_words),
                        [&](const word& w) { return w.status == s; })
        ->text;
}

bool failed_for_full_queue(const batch_object& b) {
    return b.status == batch_status::failed &&
           std::any_of(b.errors.begin(), b.errors.end(), [](const batch_error& e) {
               return says_queue_is_full(e.code) || says_queue_is_full(e.message);
           });
}

bool has_ended(batch_status s) {
    switch (s) {
    case batch_status::completed:
    case batch_status::failed:
    case batch_status::expired:
    case batch_status::cancelled: return true;
    case batch_status::validating:
    case batch_status::in_progress:
    case batch_status::finalizing:
    case batch_status::cancelling:
    case batch_status::unknown: return false;
    }
    return false;
}

result<batch_object> parse_batch(std::string_view text) {
    const auto parsed = parse_json(text);
    if (!parsed) return unreadable("batch object", "not JSON", text);
    std::string why;
    auto batch = read_batch(*parsed, why);
    if (!batch) return unreadable("batch object", why, text);
    return std::move(*batch);
}

// One unreadable entry spoils the list: a batch that we overlook could be bought a second time.
result<batch_list> parse_batch_list(std::string_view text) {
    const auto parsed = parse_json(text);
    if (!parsed) return unreadable("list of batches", "not JSON", text);
    const json* entries = member(*parsed, "data");
    if (!entries) entries = member(*parsed, "value"); // Azure's name for it
    if (!entries || !entries->is_array()) return unreadable("list of batches", "'data' is no array", text);
    batch_list list;
    for (const auto& entry : *entries) {
        std::string why;
        auto batch = read_batch(entry, why);
        if (!batch)
            return unreadable("list of batches", fmt::format("entry {}: {}", list.batches.size(), why), text);
        list.batches.push_back(std::move(*batch));
    }
    const auto* more = member(*parsed, "has_more");
    if (more && more->is_boolean()) list.has_more = more->get<bool>();
    return list;
}

} // namespace enrichd
