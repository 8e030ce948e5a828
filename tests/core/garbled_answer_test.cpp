// Lines that no provider should write, and some have.
// SPDX-License-Identifier: Apache-2.0
#include <random>
#include <string>
#include <string_view>

#include "tests/core/answer_support.hpp"
#include "tests/support/catch.hpp"

using namespace enrichd;
using namespace enrichd::test;

TEST_CASE("a line that cannot be read is unparseable, and keeps its custom_id where that can be read",
          "[core][batch_result]") {
    const auto whole = chat_line(text_message("Fine.")).dump();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto a = read_answer(whole.substr(0, size), a_summary);
        CAPTURE(size);
        CHECK(a.how == outcome::unparseable);
        CHECK_FALSE(a.reason.empty());
        CHECK((a.custom_id.empty() || a.custom_id == "s01"));
    }
    CHECK(read_answer(whole.substr(0, whole.size() - 1), a_summary).custom_id == "s01");
    for (const char* line : {"", "\n", "[]", "7", "null", "\"custom_id\"", "{\"custom_id\":\"a\"} x", "NaN",
                             "{\"custom_id\":\"a\",\"response\":{\"v\":NaN}}"}) {
        CAPTURE(line);
        CHECK(read_answer(line, a_summary).how == outcome::unparseable);
    }
}

TEST_CASE("an empty line is unparseable, at an address or at none", "[core][batch_result]") {
    for (const std::string_view line : {std::string_view(""), std::string_view()}) {
        const auto a = read_answer(line, a_summary);
        CHECK(a.how == outcome::unparseable);
        CHECK(a.custom_id.empty());
    }
}

TEST_CASE("a line padded with zero bytes is read, and nothing behind one is passed over",
          "[core][batch_result]") {
    const auto whole = chat_line(text_message("Fine.")).dump();
    const auto padded = read_answer(whole + std::string(16, '\0'), a_summary);
    CHECK(padded.how == outcome::ok);
    CHECK(padded.summary == "Fine.");
    CHECK(read_answer(whole + std::string(1, '\0') + whole, a_summary).how == outcome::unparseable);
}

TEST_CASE("a line that is not UTF-8 is invalid", "[core][batch_result]") {
    const auto a = read_answer("{\"custom_id\":\"a\",\"response\":\"\xff\"}", a_summary);
    CHECK(a.how == outcome::invalid);
    CHECK(a.reason == "not UTF-8");
    CHECK(a.custom_id == "a");
}

TEST_CASE("deep nesting and huge lines neither crash nor slow down what comes after",
          "[core][batch_result]") {
    const std::string depth(2'000'000, '[');
    CHECK(read_answer(depth, a_summary).how == outcome::unparseable);
    CHECK(read_answer("{\"custom_id\":\"a\",\"x\":" + depth, a_summary).custom_id == "a");

    const auto huge = read_chat(chat_line(text_message(std::string(5'000'000, 'x'))));
    CHECK(huge.how == outcome::ok);
    CHECK(huge.summary.size() == 5'000'000);
    CHECK(read_chat(chat_line(text_message("Fine."))).summary == "Fine.");
}

TEST_CASE("garbled lines never crash, whatever byte is wrong", "[core][batch_result]") {
    std::mt19937 random(11);
    const auto chat = chat_line(text_message("Fine.")).dump();
    const auto vectors = embedding_line({vector_entry(0, {1, 2}), vector_entry(1, "AACAPwAAAEA=")}).dump();
    for (int i = 0; i < 20'000; ++i) {
        auto line = i % 2 ? chat : vectors;
        for (auto hits = 1 + random() % 4; hits > 0; --hits)
            line[random() % line.size()] = static_cast<char>(random());
        const auto a = read_answer(line, i % 2 ? a_summary : expected_answer{kind::embeddings, 2, 2});
        REQUIRE((a.how == outcome::ok) == a.reason.empty());
        REQUIRE((a.how == outcome::ok || a.embeddings.empty()));
    }
}

TEST_CASE("a paid answer is read in whatever JSON its writer wrote", "[core][batch_result]") {
    const auto line = chat_line(text_message("Fine.")).dump();
    const auto with = [&](std::string_view what, std::string_view by) {
        auto text = line;
        const auto at = text.find(what);
        REQUIRE(at != std::string::npos);
        return text.replace(at, what.size(), by);
    };
    const auto read = [](const std::string& text) {
        const auto a = read_answer(text, a_summary);
        CAPTURE(text, a.reason);
        CHECK(a.how == outcome::ok);
        CHECK(a.custom_id == "s01");
        return a;
    };
    CHECK(read("\xef\xbb\xbf" + line).summary == "Fine.");
    CHECK(read(with("Fine.", "Fi\\ud800ne\\udc00.")).summary == "Fi\xef\xbf\xbdne\xef\xbf\xbd.");
    CHECK(read(with("Fine.", "\\ud800Fine \\ud83d\\ude00.")).summary == "\xef\xbf\xbd"
                                                                        "Fine \xf0\x9f\x98\x80.");
    CHECK(read(with("1072", "1000000000000000000000000000000")).usage.input_tokens == 1000);
    CHECK(read(with("1000", "1000000000000000000000000000000")).usage.output_tokens == 72);
    CHECK(read_answer(with("1072", "NaN"), a_summary).how == outcome::unparseable);
}

TEST_CASE("a custom_id is found without reading the rest", "[core][batch_result]") {
    CHECK(read_custom_id(R"({"custom_id":"s01","response":gar)") == "s01");
    CHECK(read_custom_id(R"(  { "id" : "b" , "custom_id" : "s01")") == "s01");
    CHECK(read_custom_id("\xef\xbb\xbf{\"custom_id\":\"s01\"}") == "s01");
    CHECK(read_custom_id(R"({"custom_id":"\u0073\u002d1"})") == "s-1");
    CHECK(read_custom_id(R"({"\u0063ustom_id":"s01"})") == "s01");
    CHECK(read_custom_id(R"({"custom_id":""})") == "");
    CHECK(read_custom_id(R"({"response":{"custom_id":"inner","a":["}",{"b":"\\\"]"}]},"n":-1.5e3,"t":true,)"
                         R"("custom_id":"outer"})") == "outer");
}

TEST_CASE("a line without a readable custom_id has none", "[core][batch_result]") {
    for (const char* line :
         {"", "{", "{}", "[]", "x", R"({"custom_id")", R"({"custom_id":)", R"({"custom_id":"s0)",
          R"({"custom_id":7})", R"({"custom_id":null})", R"({"custom_id":"a\"})", R"({"custom_id":"\ud800"})",
          R"({"a":})", R"({"a":]})", R"({"a":[1,2,"custom_id":"x")", R"({"a" "custom_id":"x"})",
          R"({"response":{"custom_id":"inner"}})"}) {
        CAPTURE(line);
        CHECK_FALSE(read_custom_id(line));
    }
}

TEST_CASE("a line may be some times longer than the answer that was expected, not boundless",
          "[core][batch_result]") {
    CHECK(longest_line(0) == 65'536);
    CHECK(longest_line(14'000'000) == 56'065'536);
}
