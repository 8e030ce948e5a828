// What the played models answer, and what they refuse.
// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer.hpp"
#include "daemon/sandbox/answers.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace enrichd;
using namespace enrichd::sandbox;
using nlohmann::json;

namespace {

json chat_body(const char* model = "gpt-4o-mini") {
    return {{"model", model},
            {"messages",
             {{{"role", "system"}, {"content", "Summarise."}},
              {{"role", "user"},
               {"content", "The parser leaked. The leak of the parser is closed now. Rejoice."}}}}};
}

json embedding_body(json input) {
    return {{"model", "text-embedding-3-small"}, {"input", std::move(input)}};
}

struct outcome_of {
    int status;
    json body;
    bill billed;
};

outcome_of ask(const char* endpoint, const json& body, model_fault fault = model_fault::none) {
    token_bench bench;
    const auto got = answer_request(endpoint, {body, 1, 2, fault, true}, bench);
    return {got.status, json::parse(got.body), got.billed};
}
outcome_of chat(const json& body, model_fault fault = model_fault::none) {
    return ask("/v1/chat/completions", body, fault);
}
outcome_of embed(const json& body, model_fault fault = model_fault::none) {
    return ask("/v1/embeddings", body, fault);
}

json with(json body, const char* field, json value) {
    body[field] = std::move(value);
    return body;
}

std::string code_of(const outcome_of& o) {
    const auto& code = o.body["error"]["code"];
    return code.is_string() ? code.get<std::string>() : "";
}

} // namespace

TEST_CASE("a chat answer is a summary with an exact bill", "[sandbox]") {
    const auto got = chat(chat_body());
    REQUIRE(got.status == 200);
    const auto& choice = got.body["choices"][0];
    CHECK(choice["message"]["content"] == "The parser leaked. The leak of the parser is closed now.");
    CHECK(choice["finish_reason"] == "stop");
    CHECK(got.body["system_fingerprint"] == "enrich-sandbox");
    CHECK(got.body["model"] == "gpt-4o-mini-2024-07-18");

    token_counter counter(encoding::o200k_base);
    const auto prompt = 3 + 2 * 3 + counter.count("system") + counter.count("user") +
                        counter.count("Summarise.") +
                        counter.count("The parser leaked. The leak of the parser is closed now. Rejoice.");
    CHECK(got.body["usage"]["prompt_tokens"] == prompt);
    CHECK(got.body["usage"]["completion_tokens"] ==
          counter.count("The parser leaked. The leak of the parser is closed now."));
    CHECK(static_cast<std::size_t>(got.billed.input) == prompt);
}

TEST_CASE("an answer never passes its cap", "[sandbox]") {
    for (int cap = 1; cap < 12; ++cap) {
        CAPTURE(cap);
        const auto got = chat(with(chat_body(), "max_tokens", cap));
        REQUIRE(got.status == 200);
        CHECK(got.billed.output <= cap);
        CHECK(got.body["choices"][0]["finish_reason"] == "length");
    }
    CHECK(chat(with(chat_body(), "max_tokens", 100)).body["choices"][0]["finish_reason"] == "stop");
}

TEST_CASE("a reasoning model spends its cap on reasoning first, unless it is told not to", "[sandbox]") {
    auto body = with(chat_body("gpt-6-luna"), "max_completion_tokens", 180);
    const auto thinking = chat(body);
    CHECK(thinking.billed.reasoning == 180);
    CHECK(thinking.body["choices"][0]["message"]["content"] == "");
    CHECK(thinking.body["choices"][0]["finish_reason"] == "length");
    body["reasoning_effort"] = "none";
    const auto plain = chat(with(body, "temperature", 0));
    CHECK(plain.billed.reasoning == 0);
    CHECK(plain.body["choices"][0]["finish_reason"] == "stop");
}

TEST_CASE("chat requests are refused with the API's codes", "[sandbox]") {
    struct {
        const char* what;
        json body;
        int status;
        const char* code;
    } const cases[] = {
        {"no model", {{"messages", json::array()}}, 400, ""},
        {"unknown model", chat_body("gpt-99"), 404, "model_not_found"},
        {"embedding model", chat_body("text-embedding-3-small"), 404, ""},
        {"no messages", {{"model", "gpt-4o-mini"}}, 400, "missing_required_parameter"},
        {"empty messages", {{"model", "gpt-4o-mini"}, {"messages", json::array()}}, 400, "empty_array"},
        {"unknown role",
         {{"model", "gpt-4o-mini"}, {"messages", {{{"role", "king"}, {"content", "x"}}}}},
         400,
         "invalid_value"},
        {"null content",
         {{"model", "gpt-4o-mini"}, {"messages", {{{"role", "user"}, {"content", nullptr}}}}},
         400,
         "invalid_type"},
        {"max_tokens on a reasoning model", with(chat_body("gpt-6-luna"), "max_tokens", 10), 400,
         "unsupported_parameter"},
        {"temperature while reasoning", with(chat_body("gpt-6-luna"), "temperature", 0), 400,
         "unsupported_value"},
        {"effort none on gpt-5", with(chat_body("gpt-5-mini"), "reasoning_effort", "none"), 400,
         "unsupported_value"},
        {"effort on a plain model", with(chat_body(), "reasoning_effort", "low"), 400,
         "unsupported_parameter"},
        {"cap too large", with(chat_body(), "max_tokens", 20'000), 400, "invalid_value"},
        {"cap of zero", with(chat_body(), "max_tokens", 0), 400, "integer_below_min_value"},
        {"cap of another type", with(chat_body(), "max_tokens", "10"), 400, "invalid_type"},
        {"both caps", with(with(chat_body(), "max_tokens", 5), "max_completion_tokens", 5), 400,
         "invalid_parameter_combination"},
        {"temperature out of range", with(chat_body(), "temperature", 3), 400, "invalid_value"},
        {"a stream", with(chat_body(), "stream", true), 400, "unsupported_value"},
        {"an unknown parameter", with(chat_body(), "max_token", 3), 400, "unknown_parameter"},
        {"too long a prompt",
         {{"model", "gpt-4o-mini"},
          {"messages", {{{"role", "user"}, {"content", std::string(1'200'000, ' ') + "x y z"}}}}},
         200,
         ""},
    };
    for (const auto& c : cases) {
        CAPTURE(c.what);
        const auto got = chat(c.body);
        CHECK(got.status == c.status);
        if (c.status != 200) CHECK(code_of(got) == c.code);
        if (c.status != 200) CHECK(got.billed.input == 0);
    }
    std::string long_text;
    for (int i = 0; i < 130'000; ++i)
        long_text += "word ";
    const auto got =
        chat({{"model", "gpt-4o-mini"}, {"messages", {{{"role", "user"}, {"content", long_text}}}}});
    CHECK(got.status == 400);
    CHECK(code_of(got) == "context_length_exceeded");
}

TEST_CASE("embeddings come for every input, in the form asked for", "[sandbox]") {
    const auto got = embed(embedding_body({"hello world", "another text"}));
    REQUIRE(got.status == 200);
    REQUIRE(got.body["data"].size() == 2);
    CHECK(got.body["data"][1]["index"] == 1);
    CHECK(got.body["data"][0]["embedding"].size() == 1536);
    CHECK(got.billed.input == 4);
    const auto packed =
        embed(with(with(embedding_body("hello world"), "encoding_format", "base64"), "dimensions", 256));
    CHECK(packed.body["data"][0]["embedding"].get<std::string>().size() == 1368); // 256 * 4 bytes
    CHECK(embed(with(embedding_body("x"), "model", "text-embedding-3-large"))
              .body["data"][0]["embedding"]
              .size() == 3072);
}

TEST_CASE("token ids are embedded as the text they stand for", "[sandbox]") {
    token_counter counter(encoding::cl100k_base);
    const auto ids = counter.encode("hello world");
    const auto by_text = embed(embedding_body("hello world"));
    const auto by_ids = embed(embedding_body(ids));
    const auto in_list = embed(embedding_body({ids}));
    CHECK(by_ids.body["data"] == by_text.body["data"]);
    CHECK(in_list.body["data"] == by_text.body["data"]);
    CHECK(by_ids.billed.input == 2);
    CHECK(embed(embedding_body({4'000'000'000u})).status == 400);
}

TEST_CASE("embedding requests are refused beyond their limits", "[sandbox]") {
    std::string long_text;
    for (int i = 0; i < 8200; ++i)
        long_text += "word ";
    const std::string half = long_text.substr(0, 5 * 8000);
    CHECK(embed(embedding_body("")).status == 400);
    CHECK(embed(embedding_body({"a", ""})).status == 400);
    CHECK(embed(embedding_body(json::array())).status == 400);
    CHECK(embed(embedding_body(12)).status == 400);
    CHECK(embed(embedding_body(long_text)).status == 400);
    CHECK(embed(embedding_body(half)).status == 200);
    CHECK(code_of(embed(embedding_body(std::vector<std::string>(38, half)))) == "max_tokens_per_request");
    CHECK(embed(embedding_body(std::vector<std::string>(2048, "a"))).status == 200);
    CHECK(embed(embedding_body(std::vector<std::string>(2049, "a"))).status == 400);
    CHECK(embed(with(embedding_body("a"), "dimensions", 1537)).status == 400);
    CHECK(embed(with(embedding_body("a"), "dimensions", 0)).status == 400);
    CHECK(embed(with(with(embedding_body("a"), "model", "text-embedding-ada-002"), "dimensions", 5)).status ==
          400);
    CHECK(embed(with(embedding_body("a"), "encoding_format", "hex")).status == 400);
    CHECK(embed(with(embedding_body("a"), "max_tokens", 5)).status == 400);
    CHECK(embed(with(embedding_body("a"), "model", "gpt-4o-mini")).status == 403);
    CHECK(code_of(embed(with(embedding_body("a"), "model", "nothing"))) == "model_not_found");
}

TEST_CASE("faults of the model itself look as they do in life", "[sandbox]") {
    const auto refusal = chat(chat_body(), model_fault::refusal).body["choices"][0];
    CHECK(refusal["message"]["content"].is_null());
    CHECK(refusal["message"]["refusal"].is_string());
    CHECK(chat(chat_body(), model_fault::length).body["choices"][0]["finish_reason"] == "length");
    CHECK(chat(chat_body(), model_fault::content_filter).body["choices"][0]["finish_reason"] ==
          "content_filter");
    CHECK(chat(chat_body(), model_fault::empty).body["choices"][0]["message"]["content"] == "");
    CHECK(embed(embedding_body("a"), model_fault::wrong_dimensions).body["data"][0]["embedding"].size() ==
          768);
    CHECK(embed(embedding_body("a"), model_fault::nulls).body["data"][0]["embedding"][0].is_null());
    CHECK(embed(embedding_body("a"), model_fault::empty).body["data"][0]["embedding"].empty());
}
