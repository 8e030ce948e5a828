// SPDX-License-Identifier: Apache-2.0
#include "core/batch_result.hpp"

#include <nlohmann/json.hpp>

#include <bit>
#include <cstring>
#include <limits>
#include <random>
#include <span>

#include "core/base64.hpp"
#include "tests/support/catch.hpp"

using namespace enrichd;
using nlohmann::json;

namespace {

constexpr expected_answer a_summary{kind::summaries, 1, 0};

json chat_line(const json& message, const std::string& finish = "stop") {
    return {{"id", "batch_req_1"},
            {"custom_id", "s01"},
            {"response",
             {{"status_code", 200},
              {"request_id", "ed3a"},
              {"body",
               {{"object", "chat.completion"},
                {"choices", {{{"index", 0}, {"message", message}, {"finish_reason", finish}}}},
                {"usage",
                 {{"prompt_tokens", 1000},
                  {"completion_tokens", 72},
                  {"total_tokens", 1072},
                  {"prompt_tokens_details", {{"cached_tokens", 512}}},
                  {"completion_tokens_details", {{"reasoning_tokens", 7}}}}}}}}},
            {"error", nullptr}};
}

json text_message(const std::string& content) {
    return {{"role", "assistant"}, {"content", content}, {"refusal", nullptr}};
}

std::string base64_of(std::span<const float> vector) {
    return encode_base64(std::as_bytes(vector)); // tests run on little-endian machines
}

json embedding_line(const json& data) {
    return {
        {"custom_id", "e01"},
        {"response",
         {{"status_code", 200},
          {"body",
           {{"object", "list"}, {"data", data}, {"usage", {{"prompt_tokens", 3}, {"total_tokens", 3}}}}}}},
        {"error", nullptr}};
}

json vector_entry(int index, const json& embedding) {
    return {{"object", "embedding"}, {"index", index}, {"embedding", embedding}};
}

answer read_chat(const json& line) {
    return read_answer(line.dump(), a_summary);
}

answer read_vectors(const json& data, std::uint32_t inputs, std::uint32_t dimensions) {
    return read_answer(embedding_line(data).dump(), {kind::embeddings, inputs, dimensions});
}

} // namespace

TEST_CASE("a chat answer as providers send it gives its text and its usage", "[core][batch_result]") {
    const auto a = read_answer(
        R"({"id":"batch_req_6780","custom_id":"0","response":{"status_code":200,"request_id":"ed3a","body":{"id":)"
        R"("chatcmpl-1","object":"chat.completion","created":1736489777,"model":"gpt-4o-mini-2024-07-18","choices":)"
        R"([{"index":0,"message":{"role":"assistant","content":"Two bugs are fixed. Caf\u00e9 \ud83d\ude00.",)"
        R"("refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":10,)"
        R"("completion_tokens":72,"total_tokens":82,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},)"
        R"("completion_tokens_details":{"reasoning_tokens":2}},"service_tier":"default"}},"error":null})"
        "\n",
        a_summary);
    CHECK(a.custom_id == "0");
    CHECK(a.how == outcome::ok);
    CHECK(a.http_status == 200);
    CHECK(a.reason.empty());
    CHECK(a.summary == "Two bugs are fixed. Café 😀.");
    CHECK(a.usage == token_usage{10, 4, 72, 2});
}

TEST_CASE("a summary is trimmed, its line ends made one kind, and control characters dropped",
          "[core][batch_result]") {
    CHECK(read_chat(chat_line(text_message("  \n One.\r\nTwo.\rThree.\t4 \n"))).summary ==
          "One.\nTwo.\nThree.\t4");
    CHECK(read_chat(chat_line(text_message("a\x1b[31mb\x07\x7f\u0085\u009f\u00a0c"))).summary ==
          "a[31mb\u00a0c");
}

TEST_CASE("an answer without a usable text is invalid, and says why", "[core][batch_result]") {
    const auto check = [](const json& line, const std::string& reason) {
        const auto a = read_chat(line);
        CHECK(a.how == outcome::invalid);
        CHECK(a.reason == reason);
        CHECK(a.summary.empty());
    };
    check(chat_line(text_message("")), "the text is empty");
    check(chat_line(text_message(" \n\t\x01 ")), "the text is empty");
    check(chat_line(text_message(std::string("a\0b", 3))), "the text holds a NUL");
    check(chat_line({{"content", nullptr}}, "tool_calls"), "no text; finished with \"tool_calls\"");
    check(chat_line({{"content", json::array()}}), "no text; finished with \"stop\"");

    auto line = chat_line(text_message("x"));
    line["response"]["body"]["choices"] = json::array();
    check(line, "no choices");
    line["response"]["body"] = nullptr;
    check(line, "status 200 without a body");
    line["response"].erase("body");
    check(line, "status 200 without a body");
    line["response"]["body"] = {{"error", {{"code", "overloaded"}, {"message", "try later"}}}};
    check(line, "an error with status 200: overloaded: try later");
}

TEST_CASE("a refusal, a filter and the cap each have their outcome, and are paid for",
          "[core][batch_result]") {
    auto message = text_message("");
    message["content"] = nullptr;
    message["refusal"] = "I cannot help\nwith that.";
    const auto refused = read_chat(chat_line(message));
    CHECK(refused.how == outcome::refused);
    CHECK(refused.reason == "the model declined: I cannot help with that.");
    CHECK(refused.usage.input_tokens == 1000);

    const auto filtered = read_chat(chat_line(text_message("half a"), "content_filter"));
    CHECK(filtered.how == outcome::refused);
    CHECK(filtered.summary.empty());

    const auto truncated = read_chat(chat_line(text_message("It begins"), "length"));
    CHECK(truncated.how == outcome::truncated);
    CHECK(truncated.summary.empty());
    CHECK(truncated.usage == token_usage{1000, 512, 72, 7});

    message["refusal"] = "";
    message["content"] = "Fine.";
    CHECK(read_chat(chat_line(message)).how == outcome::ok);
}

TEST_CASE("a request that failed at the provider keeps its status, code and message",
          "[core][batch_result]") {
    const auto a = read_answer(
        R"({"id":"batch_req_1","custom_id":"request-5","response":{"status_code":400,"request_id":"0538","body":)"
        R"({"error":{"message":"This model's maximum context length is 128000 tokens","type":)"
        R"("invalid_request_error","param":"messages","code":"context_length_exceeded"}}},"error":null})",
        a_summary);
    CHECK(a.custom_id == "request-5");
    CHECK(a.how == outcome::http_error);
    CHECK(a.http_status == 400);
    CHECK(a.reason == "context_length_exceeded: This model's maximum context length is 128000 tokens");
    CHECK_FALSE(retryable(a.how, a.http_status));
}

TEST_CASE("failures of every form are told with what there is of a reason", "[core][batch_result]") {
    const auto check = [](const std::string& line, int status, const std::string& reason) {
        CAPTURE(line);
        const auto a = read_answer(line, a_summary);
        CHECK(a.how == outcome::http_error);
        CHECK(a.http_status == status);
        CHECK(a.reason == reason);
    };
    check(R"({"custom_id":"x","response":{"status_code":504,"body":""},"error":null})", 504,
          "status 504 without an error");
    check(R"({"custom_id":"x","response":{"status_code":0,"request_id":"","body":null},"error":null})", 0,
          "neither an answer nor an error");
    check(R"({"custom_id":"x","response":null,"error":{"code":"server_error","message":"oops"}})", 0,
          "server_error: oops");
    check(R"({"custom_id":"x","response":{"status_code":429},"error":{"code":429,"message":"slow down"}})",
          429, "429: slow down");
    check(R"({"custom_id":"x","response":{"status_code":500,"body":{"error":"plain"}},"error":null})", 500,
          "plain");
    check(R"({"custom_id":"x","response":{"status_code":401,"body":{"error":{"code":null,"type":"auth",)"
          R"("message":"no"}}},"error":null})",
          401, "auth: no");
    check(R"({"custom_id":"x"})", 0, "neither an answer nor an error");
    check(R"({"custom_id":"x","response":[],"error":{}})", 0, "neither an answer nor an error");
    check(R"({"custom_id":"x","response":{"status_code":99999999999999999999.5}})", 0,
          "neither an answer nor an error");
}

TEST_CASE("what expired and what was cancelled is told by the line's error code", "[core][batch_result]") {
    const auto expired = read_answer(
        R"({"id":"batch_req_123","custom_id":"request-3","response":null,"error":{"code":"batch_expired","message":)"
        R"("This request could not be executed before the completion window expired."}})",
        a_summary);
    CHECK(expired.how == outcome::expired);
    CHECK(expired.custom_id == "request-3");
    CHECK(expired.reason ==
          "batch_expired: This request could not be executed before the completion window expired.");

    const auto cancelled = read_answer(
        R"({"custom_id":"request-4","response":null,"error":{"code":"batch_cancelled","message":"cancelled"}})",
        a_summary);
    CHECK(cancelled.how == outcome::cancelled);
}

TEST_CASE("a provider's text is shown short and without control characters", "[core][batch_result]") {
    const auto long_text = std::string(299, 'x') + "é" + std::string(1000, 'y') + "\x1b[2J";
    const json line = {{"custom_id", "x"},
                       {"response", {{"status_code", 500}, {"body", {{"error", {{"message", long_text}}}}}}}};
    CHECK(read_chat(line).reason == std::string(299, 'x') + "…");
    const json rude = {{"custom_id", "x"}, {"error", {{"code", "a\nb"}, {"message", "c\x1b[2J\td\u0090"}}}};
    CHECK(read_chat(rude).reason == "a b: c [2J d ");
}

TEST_CASE("vectors come as base64 or as numbers, and are the same", "[core][batch_result]") {
    std::mt19937 random(5);
    std::normal_distribution<float> value(0, 0.03F);
    std::vector<std::vector<float>> vectors(20, std::vector<float>(1536));
    json as_text = json::array(), as_numbers = json::array();
    for (std::size_t i = 0; i < vectors.size(); ++i) {
        for (auto& x : vectors[i])
            x = value(random);
        as_text.push_back(vector_entry(static_cast<int>(i), base64_of(vectors[i])));
        as_numbers.push_back(vector_entry(static_cast<int>(i), vectors[i]));
    }
    const auto from_text = read_vectors(as_text, 20, 1536);
    const auto from_numbers = read_vectors(as_numbers, 20, 1536);
    CHECK(from_text.how == outcome::ok);
    CHECK(from_text.embeddings == vectors);
    CHECK(from_numbers.how == outcome::ok);
    CHECK(from_numbers.embeddings == vectors);
    CHECK(from_text.usage == token_usage{3, 0, 0, 0});
}

TEST_CASE("whole numbers are numbers too, and extreme ones keep their value", "[core][batch_result]") {
    const auto a = read_answer(R"({"custom_id":"e","response":{"status_code":200,"body":{"data":[{"index":0,)"
                               R"("embedding":[1,-2,0,1e-45,3.4028235e38]}]}}})",
                               {kind::embeddings, 1, 5});
    REQUIRE(a.how == outcome::ok);
    CHECK(a.embeddings[0] == std::vector<float>{1, -2, 0, std::numeric_limits<float>::denorm_min(),
                                                std::numeric_limits<float>::max()});
}

TEST_CASE("vectors are put in the order of their indexes", "[core][batch_result]") {
    const auto a =
        read_vectors({vector_entry(2, {3, 0}), vector_entry(0, {1, 0}), vector_entry(1, {2, 0})}, 3, 2);
    REQUIRE(a.how == outcome::ok);
    CHECK(a.embeddings == std::vector<std::vector<float>>{{1, 0}, {2, 0}, {3, 0}});
}

TEST_CASE("vectors that are not what was asked for are invalid, and say why", "[core][batch_result]") {
    const auto check = [](const std::vector<json>& data, std::uint32_t inputs, const std::string& reason) {
        const auto a = read_vectors(data, inputs, 2);
        CAPTURE(reason);
        CHECK(a.how == outcome::invalid);
        CHECK(a.reason == reason);
        CHECK(a.embeddings.empty());
        CHECK(a.usage.input_tokens == 3);
    };
    const auto one = vector_entry(0, {1, 2});
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    constexpr float infinite = std::numeric_limits<float>::infinity();
    CHECK(read_vectors(json::object(), 1, 2).reason == "no list of vectors");
    check({}, 1, "0 vectors for 1 inputs");
    check({one}, 2, "1 vectors for 2 inputs");
    check({one, one}, 2, "two vectors for input 0");
    check({one, vector_entry(1, {1, 2})}, 1, "a vector for input 1, of 1 inputs");
    check({vector_entry(-1, {1, 2})}, 1, "a vector without an index");
    check({json{{"embedding", {1, 2}}}}, 1, "a vector without an index");
    check({json{{"index", 0}}}, 1, "no vector for input 0");
    check({7}, 1, "a vector without an index");
    check({vector_entry(0, {1})}, 1, "the vector for input 0 has 1 dimensions, 2 were expected");
    check({vector_entry(0, {1, 2, 3, 4})}, 1, "the vector for input 0 has 4 dimensions, 2 were expected");
    check({vector_entry(0, json::array())}, 1, "the vector for input 0 has 0 dimensions, 2 were expected");
    check({vector_entry(0, {1, "2"})}, 1, "the vector for input 0 holds what is not a number");
    check({vector_entry(0, {1, nullptr})}, 1, "the vector for input 0 holds what is not a number");
    check({vector_entry(0, nullptr)}, 1, "the vector for input 0 is neither a string nor a list");
    check({vector_entry(0, {0, 0})}, 1, "the vector for input 0 is zero in all dimensions");
    check({vector_entry(0, {1e39, 0})}, 1, "the vector for input 0 holds a number that is not finite");
    check({vector_entry(0, base64_of(std::vector<float>{1, nan}))}, 1,
          "the vector for input 0 holds a number that is not finite");
    check({vector_entry(0, base64_of(std::vector<float>{infinite, 1}))}, 1,
          "the vector for input 0 holds a number that is not finite");
    check({vector_entry(0, base64_of(std::vector<float>{1, 2, 3}))}, 1,
          "the vector for input 0 has 3 dimensions, 2 were expected");
    check({vector_entry(0, "")}, 1, "the vector for input 0 has 0 dimensions, 2 were expected");
    check({vector_entry(0, "AAAA")}, 1, "the vector for input 0 is not base64 of 32-bit numbers");
    check({vector_entry(0, "AACAPwAAAE!=")}, 1, "the vector for input 0 is not base64 of 32-bit numbers");
}

TEST_CASE("wild usage figures are tamed", "[core][batch_result]") {
    auto line = chat_line(text_message("Fine."));
    line["response"]["body"]["usage"] = {{"prompt_tokens", -5},
                                         {"completion_tokens", std::numeric_limits<std::int64_t>::max()},
                                         {"prompt_tokens_details", {{"cached_tokens", 10}}},
                                         {"completion_tokens_details", nullptr}};
    CHECK(read_chat(line).usage == token_usage{0, 0, 1'000'000'000, 0});
    line["response"]["body"]["usage"] = "many";
    CHECK(read_chat(line).usage == token_usage{});
    CHECK(read_chat(line).how == outcome::ok);
}

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

TEST_CASE("a custom_id is found without reading the rest", "[core][batch_result]") {
    CHECK(read_custom_id(R"({"custom_id":"s01","response":gar)") == "s01");
    CHECK(read_custom_id(R"(  { "id" : "b" , "custom_id" : "s01")") == "s01");
    CHECK(read_custom_id("\xef\xbb\xbf{\"custom_id\":\"s01\"}") == "s01");
    CHECK(read_custom_id(R"({"custom_id":"\u0073\u002d1"})") == "s-1");
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
