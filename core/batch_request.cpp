// SPDX-License-Identifier: Apache-2.0
#include "core/batch_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "core/json_writer.hpp"
#include "core/request_lines.hpp"
#include "core/sha256.hpp"
#include "core/tokenizer.hpp"
#include "core/utf8.hpp"

namespace enrichd {

namespace {

bool is_blank(std::string_view text) {
    return text.find_first_not_of(std::string_view(" \t\r\n\v\f\0", 7)) == std::string_view::npos;
}

std::size_t characters(std::string_view utf8) {
    return static_cast<std::size_t>(
        std::count_if(utf8.begin(), utf8.end(), [](char c) { return !is_utf8_continuation(c); }));
}

// Most texts are valid, and are used where they are; others are repaired in `store`.
std::string_view valid_utf8(std::string_view raw, std::string& store, std::size_t& replaced) {
    if (is_valid_utf8(raw)) return raw;
    auto repair = replace_invalid_utf8(raw);
    replaced += repair.replaced;
    store = std::move(repair.text);
    return store;
}

} // namespace

text_hash hash_text(std::string_view title, std::string_view text) {
    return sha256{}.update(title).update(std::string_view("\0", 1)).update(text).finish();
}

std::string hex(const text_hash& h) {
    return to_hex(h);
}

std::string begin_line(const std::string& custom_id, const recipe& r) {
    auto json = fmt::format("{{\"custom_id\":\"{}\",\"method\":\"POST\",\"url\":\"{}\",\"body\":{{\"model\":",
                            custom_id, endpoint(r.kind));
    append_json_string(json, r.model.name);
    return json;
}

row_requests build_requests(const source_row& row, const recipe& r, token_counter& counter) {
    assert(name(counter.which()) == r.model.tokenizer);
    row_requests requests;
    requests.hash = hash_text(row.title, row.text ? std::string_view(*row.text) : std::string_view{});

    const bool has_text = row.text && !is_blank(*row.text);
    if (!has_text && (r.kind == kind::embeddings || is_blank(row.title))) {
        requests.skip_reason = "no text";
        return requests;
    }
    std::string title_store, text_store;
    const auto title = valid_utf8(row.title, title_store, requests.replaced);
    const auto text = has_text ? valid_utf8(*row.text, text_store, requests.replaced) : title;
    if (const auto n = characters(text); n < r.min_characters) {
        requests.skip_reason = fmt::format("too short: {} of {} characters", n, r.min_characters);
        return requests;
    }
    const request_text t{has_text ? title : std::string_view{}, text, requests.hash};
    requests.lines = r.kind == kind::summaries ? summary_lines(t, r, counter, requests.skip_reason)
                                               : embedding_lines(t, r, counter);
    return requests;
}

money upper_bound(const request_line& line, const model& m) {
    const std::int64_t percent = 100 + m.headroom_percent;
    const auto tokens = (std::int64_t{line.input_tokens} * percent + 99) / 100;
    return money{tokens * m.batch.input.picodollars +
                 std::int64_t{line.output_cap} * m.batch.output.picodollars};
}

void file_totals::add(const request_line& line, const model& m) {
    ++requests;
    bytes += line.json.size();
    embedding_inputs += line.chunk_tokens.size();
    reply_bytes += line.reply_bytes;
    input_tokens += line.input_tokens;
    output_cap += line.output_cap;
    bound += upper_bound(line, m);
}

bool fits(const file_totals& so_far, const std::vector<request_line>& lines, const file_limits& limits) {
    if (so_far.requests == 0) return true;
    auto all = so_far;
    for (const auto& line : lines)
        all.add(line, {});
    return all.requests <= limits.requests && all.bytes <= limits.bytes &&
           all.embedding_inputs <= limits.embedding_inputs && all.input_tokens <= limits.input_tokens &&
           all.reply_bytes <= limits.reply_bytes;
}

} // namespace enrichd
