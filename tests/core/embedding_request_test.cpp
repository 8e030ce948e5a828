// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <set>

#include "core/batch_result.hpp"
#include "tests/core/request_support.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/random_text.hpp"

using namespace enrichd;
using namespace enrichd::test;

namespace {

std::string words(int count) {
    std::string text;
    for (int i = 0; i < count; ++i)
        text += "word" + std::to_string(i % 100) + " ";
    return text;
}

embedding_settings with_chunks(std::uint32_t chunk_tokens, std::uint32_t overlap_percent) {
    embedding_settings s;
    s.chunk_tokens = chunk_tokens;
    s.overlap_percent = overlap_percent;
    return s;
}

std::vector<std::string> inputs(const request_line& line) {
    return parsed(line)["body"]["input"].get<std::vector<std::string>>();
}

// An answer as a provider would write it, every number as long as a double can be.
std::string longest_answer(const request_line& line, const recipe& r) {
    nlohmann::json data = nlohmann::json::array();
    for (std::size_t i = 0; i < line.chunk_tokens.size(); ++i) {
        nlohmann::json vector = std::vector<double>(r.dimensions, -1.2345678901234567e-30);
        if (r.encoding_format == "base64") vector = std::string((r.dimensions * 4 + 2) / 3 * 4, 'A');
        data.push_back({{"object", "embedding"}, {"index", i}, {"embedding", vector}});
    }
    const nlohmann::json answer = {{"id", "batch_req_67cf68383eb081909164daada23eb2f6"},
                                   {"custom_id", line.custom_id},
                                   {"response",
                                    {{"status_code", 200},
                                     {"request_id", "d04de8e9d04de8e9d04de8e9d04de8e9"},
                                     {"body",
                                      {{"object", "list"},
                                       {"data", data},
                                       {"model", "text-embedding-3-small"},
                                       {"usage", {{"prompt_tokens", 300'000}, {"total_tokens", 300'000}}}}}}},
                                   {"error", nullptr}};
    return answer.dump() + "\n";
}

} // namespace

TEST_CASE("request lines of embeddings stay as they are", "[core][batch_request]") {
    embedding_settings small = with_chunks(16, 25);
    small.dimensions = 256;
    small.encoding_format = "float";
    const auto text = "Änderung: \"x\" \\ y\n\tไทย 😀; " + words(20) + "and so on, to the end of this text.";
    std::string lines = only_line(build(row_of(text, "not sent"), embeddings())).json;
    lines += only_line(build(row_of(text), embeddings(small))).json;
    check_golden("requests/embeddings.jsonl", lines);
}

TEST_CASE("an embeddings request carries all chunks of its row, and the text alone",
          "[core][batch_request]") {
    const auto text = words(4000);
    const auto line = only_line(build(row_of(text, "the title"), embeddings()));
    const auto chunks = inputs(line);
    token_counter counter(encoding::cl100k_base);
    REQUIRE(chunks.size() == line.chunk_tokens.size());
    REQUIRE(chunks.size() > 4);
    for (std::size_t i = 0; i < chunks.size(); ++i) {
        CHECK(line.chunk_tokens[i] == counter.count(chunks[i]));
        CHECK(line.chunk_tokens[i] <= 1500);
        CHECK(text.find(chunks[i]) != std::string::npos);
    }
    CHECK(line.input_tokens == std::accumulate(line.chunk_tokens.begin(), line.chunk_tokens.end(), 0U));
    CHECK(line.output_cap == 0);
    CHECK(line.part == 0);
    CHECK(line.parts == 1);
    CHECK(text.starts_with(chunks.front()));
    CHECK(text.ends_with(chunks.back()));
}

TEST_CASE("dimensions are asked for only where they differ from the model's own", "[core][batch_request]") {
    const auto body = [](const embedding_settings& s) {
        return parsed(only_line(build(row_of(words(50)), embeddings(s))))["body"];
    };
    embedding_settings s;
    CHECK_FALSE(body(s).contains("dimensions"));
    CHECK(body(s)["encoding_format"] == "base64");
    CHECK(body(s)["model"] == "text-embedding-3-small");
    s.dimensions = 1536;
    CHECK_FALSE(body(s).contains("dimensions"));
    s.dimensions = 512;
    s.encoding_format = "float";
    CHECK(body(s)["dimensions"] == 512);
    CHECK(body(s)["encoding_format"] == "float");
    s = {};
    s.model = "text-embedding-ada-002";
    CHECK_FALSE(body(s).contains("dimensions"));
}

TEST_CASE("a row of more than 2,048 chunks becomes parts", "[core][batch_request]") {
    const auto built = build(row_of(words(20'000)), embeddings(with_chunks(16, 0)));
    REQUIRE(built.lines.size() >= 2);
    std::set<std::string> ids;
    std::string joined;
    for (std::size_t i = 0; i < built.lines.size(); ++i) {
        const auto& line = built.lines[i];
        ids.insert(line.custom_id);
        CHECK(line.part == i);
        CHECK(line.parts == built.lines.size());
        CHECK(line.chunk_tokens.size() == (i + 1 < built.lines.size() ? 2048 : line.chunk_tokens.size()));
        for (const auto& input : inputs(line))
            joined += input;
    }
    CHECK(ids.size() == built.lines.size());
    CHECK(joined == words(20'000));
}

TEST_CASE("a row of more than 300,000 tokens becomes parts", "[core][batch_request]") {
    const auto built = build(row_of(words(250'000)), embeddings());
    REQUIRE(built.lines.size() >= 2);
    for (const auto& line : built.lines) {
        CHECK(line.input_tokens <= 300'000);
        CHECK(line.chunk_tokens.size() <= 2048);
    }
    CHECK(built.lines.front().input_tokens > 298'000);
}

TEST_CASE("an answer of the longest kind is within the bound of its request, and can be read",
          "[core][batch_request]") {
    for (const char* format : {"base64", "float"}) {
        for (const int count : {50, 4000}) {
            embedding_settings s;
            s.encoding_format = format;
            const auto r = embeddings(s);
            const auto line = only_line(build(row_of(words(count)), r));
            const auto answer = longest_answer(line, r);
            CAPTURE(format, count);
            CHECK(answer.size() <= line.reply_bytes);
            CHECK(answer.size() >= line.reply_bytes * 8 / 10);
        }
    }
}

TEST_CASE("numbers in place of base64 can still be read within the line's allowance",
          "[core][batch_request]") {
    auto r = embeddings();
    const auto line = only_line(build(row_of(words(4000)), r));
    r.encoding_format = "float";
    CHECK(longest_answer(line, r).size() <= longest_line(line.reply_bytes));
}

TEST_CASE("twenty thousand rows of one chunk fit one file", "[core][batch_request]") {
    const auto line = only_line(build(row_of(words(50)), embeddings()));
    CHECK(20'000 * line.reply_bytes <= file_limits{}.reply_bytes);
}

TEST_CASE("any text arrives in its chunks as it was", "[core][batch_request]") {
    std::mt19937 random(29);
    for (int i = 0; i < 100; ++i) {
        const auto text = "x" + random_text(random, 200 + random() % 1000);
        const auto built = build(row_of(text), embeddings(with_chunks(64, 0)));
        std::string joined;
        for (const auto& line : built.lines)
            for (const auto& input : inputs(line))
                joined += input;
        REQUIRE(joined == text);
    }
}
