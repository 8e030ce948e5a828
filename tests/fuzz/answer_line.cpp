// A line of an output or error file: what is ok is usable, what is not says why, and the short way to a
// line's custom_id agrees with the long one.
// SPDX-License-Identifier: Apache-2.0
#include "core/batch_result.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

namespace {

void check_summary(const std::string& text) {
    fuzz::require(!text.empty(), "a summary that is ok has text");
    fuzz::require(fuzz::is_presentable(text, "\n\t"), "a summary is UTF-8 without control characters");
    constexpr std::string_view blanks = " \t\n";
    fuzz::require(blanks.find(text.front()) == std::string_view::npos, "no blank at a summary's begin");
    fuzz::require(blanks.find(text.back()) == std::string_view::npos, "no blank at a summary's end");
}

void check_vectors(const answer& a, const expected_answer& expected) {
    fuzz::require(a.embeddings.size() == expected.inputs, "a vector for each input");
    for (const auto& vector : a.embeddings) {
        fuzz::require(vector.size() == expected.dimensions, "vectors have the dimensions asked for");
        fuzz::require(std::all_of(vector.begin(), vector.end(), [](float x) { return std::isfinite(x); }),
                      "vectors are finite");
        fuzz::require(std::any_of(vector.begin(), vector.end(), [](float x) { return x != 0; }),
                      "vectors have a direction");
    }
}

void check_usage(const token_usage& u) {
    fuzz::require(u.input_tokens >= 0 && u.cached_tokens >= 0 && u.output_tokens >= 0 &&
                      u.reasoning_tokens >= 0,
                  "nobody is billed for less than nothing");
    fuzz::require(u.cached_tokens <= u.input_tokens && u.reasoning_tokens <= u.output_tokens,
                  "a part is not more than its whole");
    fuzz::require(u.input_tokens <= 10'000'000 && u.output_tokens <= 10'000'000, "sums cannot overflow");
}

void check(std::string_view line, const expected_answer& expected) {
    const auto a = read_answer(line, expected);
    check_usage(a.usage);
    fuzz::require(a.http_status >= 0 && a.http_status <= 999, "a status has three digits");
    fuzz::require(fuzz::is_presentable(a.reason), "a reason can be shown");
    fuzz::require(a.reason.size() < 1000, "a reason is short");
    if (a.how != outcome::ok) {
        fuzz::require(!a.reason.empty(), "what is not ok says why");
        fuzz::require(a.summary.empty() && a.embeddings.empty(), "what is not ok has no value");
        return;
    }
    fuzz::require(a.reason.empty() && a.http_status == 200, "what is ok has nothing to explain");
    if (expected.kind == kind::summaries)
        check_summary(a.summary);
    else
        check_vectors(a, expected);
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto line = fuzz::text_of(data, size);
    check(line, {kind::summaries, 1, 0});
    check(line, {kind::embeddings, 1, 4});
    check(line, {kind::embeddings, 2, 2});

    const auto id = read_custom_id(line);
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    std::string_view whole;
    if (!parser.parse(std::string(line)).get(root) && !root["custom_id"].get_string().get(whole))
        fuzz::require(id == whole, "custom_id is the same with and without reading the line");
    return 0;
}
