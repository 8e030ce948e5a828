// SPDX-License-Identifier: Apache-2.0
#include "core/batch_request.hpp"

#include <set>

#include "core/custom_id.hpp"
#include "tests/core/request_support.hpp"

using namespace enrichd;
using namespace enrichd::test;

namespace {

std::string skip_reason(const source_row& row, const recipe& r) {
    const auto built = build(row, r);
    CHECK(built.lines.empty() == !built.skip_reason.empty());
    return built.skip_reason;
}

std::string characters(int count) {
    std::string text;
    for (int i = 0; i < count; ++i)
        text += "é";
    return text;
}

request_line line_of(std::uint64_t json, std::uint64_t reply, std::size_t inputs) {
    request_line line;
    line.json.assign(json, 'x');
    line.reply_bytes = reply;
    line.chunk_tokens.assign(inputs, 10);
    line.input_tokens = static_cast<std::uint32_t>(10 * inputs);
    return line;
}

} // namespace

TEST_CASE("a text's hash is a SHA-256 over title, a zero byte, and text", "[core][batch_request]") {
    // printf 'title\0text' | sha256sum
    CHECK(hex(hash_text("title", "text")) ==
          "3b54075ce7ad49222b4a2b89ffa408107af4360f402d6a3b7499f368c337aa2e");
    CHECK(hash_text("a", "b") != hash_text("ab", ""));
    CHECK(hash_text("", "ab") != hash_text("ab", ""));
    CHECK(build(row_of({}, "title"), summaries()).hash == hash_text("title", ""));
}

TEST_CASE("a custom_id can be computed again from what it stands for", "[core][batch_request]") {
    const auto hash = hash_text("title", "text");
    // printf 'enrichd request 1\nembeddings\nv\n%s\n0\n' HASH | sha256sum | cut -c1-40
    CHECK(make_custom_id(kind::embeddings, "v", hash, 0) == "e2ab750521ee212ed9ca84d31e175e4bcc5997283");
}

TEST_CASE("custom_ids differ by kind, version, text and part, and are safe for every provider",
          "[core][batch_request]") {
    std::set<std::string> ids;
    std::size_t made = 0;
    for (const auto k : all_kinds)
        for (const char* version : {"a-1", "a-2"})
            for (int text = 0; text < 50; ++text)
                for (std::uint32_t part = 0; part < 20; ++part, ++made)
                    ids.insert(make_custom_id(k, version, hash_text("", std::to_string(text)), part));
    CHECK(ids.size() == made);
    for (const auto& id : ids) {
        REQUIRE(id.size() == 41);
        REQUIRE((id[0] == 's' || id[0] == 'e'));
        REQUIRE(id.find_first_not_of("0123456789abcdef", 1) == std::string::npos);
    }
}

TEST_CASE("identical texts make identical lines, whatever row they come from", "[core][batch_request]") {
    auto one = row_of(characters(200), "title"), other = one;
    other.key = "2";
    other.authority = "elsewhere";
    other.date_ms = 5;
    for (const auto& r : {summaries(), embeddings()})
        CHECK(only_line(build(one, r)).json == only_line(build(other, r)).json);
}

TEST_CASE("a row that is too short is skipped, by characters and not by bytes", "[core][batch_request]") {
    CHECK(skip_reason(row_of(characters(49)), summaries()) == "too short: 49 of 50 characters");
    CHECK(skip_reason(row_of(characters(50)), summaries()) == "");
    CHECK(skip_reason(row_of(characters(99)), embeddings()) == "too short: 99 of 100 characters");
    CHECK(skip_reason(row_of(characters(100)), embeddings()) == "");
    CHECK(skip_reason(row_of({}, characters(49)), summaries()) == "too short: 49 of 50 characters");
}

TEST_CASE("a row without a text is skipped for embeddings, and without a title for summaries too",
          "[core][batch_request]") {
    for (const auto& text : {std::optional<std::string>{}, std::optional<std::string>{""},
                             std::optional<std::string>{std::string(200, ' ') + "\n\r\t"}}) {
        CHECK(skip_reason(row_of(text, characters(200)), embeddings()) == "no text");
        CHECK(skip_reason(row_of(text, characters(200)), summaries()) == "");
        CHECK(skip_reason(row_of(text, " \n"), summaries()) == "no text");
    }
}

TEST_CASE("invalid UTF-8 is replaced and noted, and hashed as it was", "[core][batch_request]") {
    const auto raw = characters(60) + "\xff" + characters(60) + "\xc3";
    for (const auto& r : {summaries(), embeddings()}) {
        const auto built = build(row_of(raw, "t\xfe"), r);
        CHECK(built.replaced == 3);
        CHECK(built.hash == hash_text("t\xfe", raw));
        CHECK(only_line(built).json.find(characters(60) + "\uFFFD" + characters(60) + "\uFFFD") !=
              std::string::npos);
    }
    CHECK(build(row_of(characters(200)), summaries()).replaced == 0);
}

TEST_CASE("the guide's examples cost what the guide says", "[core][batch_request]") {
    request_line line;
    line.input_tokens = 1'000'000;
    CHECK(exact_dollars(upper_bound(line, known_model("text-embedding-3-small", kind::embeddings))) ==
          "0.01");
    line.input_tokens = 100'000;
    line.output_cap = 20'000;
    CHECK(exact_dollars(upper_bound(line, known_model("gpt-4o-mini", kind::summaries))) == "0.0135");
}

TEST_CASE("where the tokenizer is a guess, the bound has its headroom, rounded up", "[core][batch_request]") {
    auto luna = known_model("gpt-6-luna", kind::summaries);
    request_line line;
    line.input_tokens = 101;
    line.output_cap = 10;
    // 101 tokens and 15 percent are 116.15, so 117.
    CHECK(upper_bound(line, luna).picodollars == 117 * 50'000 + 10 * 250'000);
}

TEST_CASE("totals add up lines, and their bound adds up bounds", "[core][batch_request]") {
    const auto m = known_model("text-embedding-3-small", kind::embeddings);
    file_totals totals;
    totals.add(line_of(100, 1000, 2), m);
    totals.add(line_of(50, 500, 1), m);
    CHECK(totals.requests == 2);
    CHECK(totals.bytes == 150);
    CHECK(totals.reply_bytes == 1500);
    CHECK(totals.embedding_inputs == 3);
    CHECK(totals.input_tokens == 30);
    CHECK(totals.output_cap == 0);
    CHECK(totals.bound.picodollars == 30 * 10'000);
}

TEST_CASE("a file is full when any of its limits would be passed", "[core][batch_request]") {
    const file_limits limits{3, 1000, 10, 5000};
    const auto fits_after = [&](const request_line& first, const std::vector<request_line>& row) {
        file_totals totals;
        totals.add(first, {});
        return fits(totals, row, limits);
    };
    const auto small = line_of(10, 10, 1);
    CHECK(fits_after(small, {small, small}));
    CHECK_FALSE(fits_after(small, {small, small, small}));
    CHECK(fits_after(line_of(600, 10, 1), {line_of(400, 10, 1)}));
    CHECK_FALSE(fits_after(line_of(600, 10, 1), {line_of(401, 10, 1)}));
    CHECK(fits_after(line_of(10, 10, 4), {line_of(10, 10, 6)}));
    CHECK_FALSE(fits_after(line_of(10, 10, 4), {line_of(10, 10, 7)}));
    CHECK(fits_after(line_of(10, 4000, 1), {line_of(10, 1000, 1)}));
    CHECK_FALSE(fits_after(line_of(10, 4000, 1), {line_of(10, 1001, 1)}));
}

TEST_CASE("an empty file takes any row", "[core][batch_request]") {
    CHECK(fits({}, {line_of(2000, 9000, 20), line_of(1, 1, 1)}, {1, 1, 1, 1}));
}
