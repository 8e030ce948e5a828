// SPDX-License-Identifier: Apache-2.0
#include "core/batch_result.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "core/embedding_answer.hpp"
#include "core/json_mend.hpp"
#include "core/safe_text.hpp"
#include "core/summary_answer.hpp"

namespace enrichd {

namespace {

using simdjson::dom::element;

// A parser keeps its buffers for the next line; those that a rare huge line needed are given back.
constexpr std::size_t largest_kept = 1 << 20;

// No request is billed for more; a wild figure must not overflow what is added up from fifty thousand of
// them.
constexpr std::int64_t most_tokens_billed = 2'000'000;

std::int64_t tokens_at(simdjson::simdjson_result<element> field) {
    std::int64_t n = 0;
    return field.get_int64().get(n) ? 0 : std::clamp<std::int64_t>(n, 0, most_tokens_billed);
}

token_usage read_usage(element body) {
    const auto usage = body["usage"];
    token_usage u;
    u.input_tokens = tokens_at(usage["prompt_tokens"]);
    u.output_tokens = tokens_at(usage["completion_tokens"]);
    u.cached_tokens = std::min(tokens_at(usage["prompt_tokens_details"]["cached_tokens"]), u.input_tokens);
    u.reasoning_tokens =
        std::min(tokens_at(usage["completion_tokens_details"]["reasoning_tokens"]), u.output_tokens);
    return u;
}

// "code: message" of an error object, as far as it has them. Some servers send numbers as codes.
std::string read_error(element e, std::string& code) {
    std::string_view text;
    std::int64_t number = 0;
    if (!e["code"].get_string().get(text) || !e["type"].get_string().get(text))
        code = safe_text(text, 64);
    else if (!e["code"].get_int64().get(number))
        code = std::to_string(number);
    std::string_view message;
    if (e["message"].get_string().get(message) && e.get_string().get(message)) return code;
    return code.empty() ? safe_text(message) : fmt::format("{}: {}", code, safe_text(message));
}

void read_failure(element line, answer& a) {
    std::string code;
    element e;
    const bool said = (!line["response"]["body"]["error"].get(e) && !e.is_null()) ||
                      (!line["error"].get(e) && !e.is_null());
    if (said) a.reason = read_error(e, code);
    if (a.reason.empty())
        a.reason = a.http_status ? fmt::format("status {} without an error", a.http_status)
                                 : "neither an answer nor an error";
    a.how = outcome::http_error;
    if (a.http_status == 0 && code == "batch_expired") a.how = outcome::expired;
    if (a.http_status == 0 && code == "batch_cancelled") a.how = outcome::cancelled;
}

void read_embeddings(element body, const expected_answer& expected, answer& a) {
    simdjson::dom::array data;
    a.how = outcome::invalid;
    if (body["data"].get_array().get(data)) {
        a.reason = "no list of vectors";
        return;
    }
    a.reason = read_vectors(data, expected.inputs, expected.dimensions, a.embeddings);
    if (a.reason.empty())
        a.how = outcome::ok;
    else
        a.embeddings.clear();
}

void read_body(element body, const expected_answer& expected, answer& a) {
    a.usage = read_usage(body);
    element e;
    if (!body["error"].get(e) && !e.is_null()) {
        std::string code;
        a.how = outcome::invalid;
        a.reason = fmt::format("an error with status 200: {}", read_error(e, code));
    } else if (expected.kind == kind::embeddings) {
        read_embeddings(body, expected, a);
    } else {
        auto s = read_summary(body);
        a.how = s.how;
        a.reason = std::move(s.reason);
        a.summary = std::move(s.text);
    }
}

void read_line(element line, const expected_answer& expected, answer& a) {
    std::string_view id;
    if (!line["custom_id"].get_string().get(id)) a.custom_id = id;
    if (!line.is_object()) {
        a.reason = "not a JSON object";
        return;
    }
    std::int64_t status = 0;
    if (!line["response"]["status_code"].get_int64().get(status))
        a.http_status = static_cast<int>(std::clamp<std::int64_t>(status, 0, 999));
    if (a.http_status != 200) {
        read_failure(line, a);
        return;
    }
    element body;
    if (line["response"]["body"].get(body) || !body.is_object()) {
        a.how = outcome::invalid;
        a.reason = "status 200 without a body";
        return;
    }
    read_body(body, expected, a);
}

// What a strict reader refuses may be a paid answer all the same.
simdjson::error_code parse(simdjson::dom::parser& parser, std::string_view line, element& root) {
    const auto fault = parser.parse(line.data(), line.size()).get(root);
    if (!fault || fault == simdjson::UTF8_ERROR) return fault;
    const auto mended = mend_json(line);
    return mended && !parser.parse(*mended).get(root) ? simdjson::SUCCESS : fault;
}

template <class F>
auto with_parser(std::string_view line, F read) {
    if (line.size() > largest_kept) {
        simdjson::dom::parser parser;
        return read(parser);
    }
    thread_local simdjson::dom::parser parser;
    return read(parser);
}

answer read_with(simdjson::dom::parser& parser, std::string_view line, const expected_answer& expected) {
    answer a;
    element root;
    const auto fault = parse(parser, line, root);
    if (!fault) {
        read_line(root, expected, a);
        return a;
    }
    a.custom_id = read_custom_id(line).value_or("");
    a.how = fault == simdjson::UTF8_ERROR ? outcome::invalid : outcome::unparseable;
    a.reason = fault == simdjson::UTF8_ERROR ? "not UTF-8"
                                             : fmt::format("not JSON: {}", simdjson::error_message(fault));
    return a;
}

} // namespace

std::uint64_t longest_line(std::uint64_t reply_bytes) {
    return 4 * reply_bytes + std::uint64_t{64} * 1024;
}

answer read_answer(std::string_view line, const expected_answer& expected) {
    if (line.empty()) line = ""; // an empty view may have no address, and simdjson copies from it
    return with_parser(line,
                       [&](simdjson::dom::parser& parser) { return read_with(parser, line, expected); });
}

std::uint32_t count_vectors(std::string_view line) {
    if (line.empty()) return 0;
    return with_parser(line, [&](simdjson::dom::parser& parser) -> std::uint32_t {
        element root;
        simdjson::dom::array data;
        if (parse(parser, line, root) || root["response"]["body"]["data"].get_array().get(data)) return 0;
        return static_cast<std::uint32_t>(data.size());
    });
}

} // namespace enrichd
