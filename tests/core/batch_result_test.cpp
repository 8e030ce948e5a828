// SPDX-License-Identifier: Apache-2.0
#include "core/batch_result.hpp"

#include <limits>

#include "tests/core/answer_support.hpp"
#include "tests/support/catch.hpp"

using namespace enrichd;
using namespace enrichd::test;

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

TEST_CASE("wild usage figures are tamed", "[core][batch_result]") {
    auto line = chat_line(text_message("Fine."));
    line["response"]["body"]["usage"] = {{"prompt_tokens", -5},
                                         {"completion_tokens", std::numeric_limits<std::int64_t>::max()},
                                         {"prompt_tokens_details", {{"cached_tokens", 10}}},
                                         {"completion_tokens_details", nullptr}};
    CHECK(read_chat(line).usage == token_usage{0, 0, 2'000'000, 0});
    line["response"]["body"]["usage"] = "many";
    CHECK(read_chat(line).usage == token_usage{});
    CHECK(read_chat(line).how == outcome::ok);
}

TEST_CASE("the vectors that a line brings are counted, usable or not", "[core][batch_result]") {
    const auto two = embedding_line({vector_entry(0, json::array({1.0, 2.0})), vector_entry(1, "?")});
    CHECK(count_vectors(two.dump()) == 2);
    CHECK(count_vectors(two.dump() + std::string(2 << 20, ' ')) == 2); // by a parser of its own
    CHECK(count_vectors(embedding_line(json::array()).dump()) == 0);
    CHECK(count_vectors(embedding_line("none").dump()) == 0);
    CHECK(count_vectors(chat_line(text_message("Fine.")).dump()) == 0);
    for (const char* line : {"", "{", "[]", "3", R"({"custom_id":"e01","error":{"code":"batch_expired"}})"})
        CHECK(count_vectors(line) == 0);
}
