// Input files validated, timelines, multipart bodies: the parts below the API.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/batch_validation.hpp"
#include "daemon/sandbox/multipart.hpp"
#include "daemon/sandbox/timeline.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/sandbox_thread.hpp"

#include <fstream>

using namespace enrichd;
using namespace enrichd::sandbox;

namespace {

validation validated(const std::string& content, std::string_view endpoint = "/v1/chat/completions") {
    test::temporary_folder folder;
    std::ofstream(folder.path / "in", std::ios::binary) << content;
    token_bench bench;
    return validate_batch(folder.path / "in", endpoint, true, bench);
}

std::string line(const std::string& id, const std::string& model = "gpt-4o-mini",
                 const std::string& url = "/v1/chat/completions") {
    return R"({"custom_id":")" + id + R"(","method":"POST","url":")" + url + R"(","body":{"model":")" +
           model + R"(","messages":[{"role":"user","content":"hello"}]}})" + "\n";
}

// Collects parts as "name|filename|bytes".
class recording_sink : public part_sink {
public:
    result<void> begin_part(std::string name, std::optional<std::string> filename) override {
        parts.push_back(name + "|" + filename.value_or("-") + "|");
        return {};
    }
    result<void> part_bytes(std::string_view piece) override {
        parts.back() += piece;
        return {};
    }
    result<void> end_part() override {
        ++ended;
        return {};
    }
    std::vector<std::string> parts;
    std::size_t ended = 0;
};

} // namespace

TEST_CASE("a good file passes validation, with or without a last newline", "[sandbox]") {
    auto text = line("a") + line("b");
    for (int round = 0; round < 2; ++round) {
        const auto v = validated(text);
        CHECK(v.errors.empty());
        CHECK(v.requests == 2);
        CHECK(v.model == "gpt-4o-mini");
        CHECK(v.tokens == 2 * 8); // 3 for the reply, 3 for the message, "user", "hello"
        text.pop_back();
    }
}

TEST_CASE("what is wrong with a file is reported with the API's code and the line", "[sandbox]") {
    struct {
        const char* what;
        std::string content;
        const char* code;
        std::int64_t line; ///< 0: none
    } const cases[] = {
        {"nothing in it", "", "empty_file", 0},
        {"an empty line only", "\n", "empty_file", 0},
        {"a broken line", line("a") + "{\"custom_id\": \"b\"\n" + line("c"), "invalid_json_line", 2},
        {"an empty line within", line("a") + "\n" + line("c"), "invalid_json_line", 2},
        {"a list", "[1]\n", "invalid_json_line", 1},
        {"no custom_id", R"({"method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini"}})",
         "missing_required_parameter", 1},
        {"a number as custom_id",
         R"({"custom_id":1,"method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini"}})",
         "missing_required_parameter", 1},
        {"no body", R"({"custom_id":"a","method":"POST","url":"/v1/chat/completions"})",
         "missing_required_parameter", 1},
        {"no model", R"({"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{}})",
         "missing_required_parameter", 1},
        {"another method",
         R"({"custom_id":"a","method":"GET","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini"}})",
         "invalid_method", 1},
        {"a duplicate", line("a") + line("b") + line("a"), "duplicate_custom_id", 3},
        {"another url", line("a") + line("b", "gpt-4o-mini", "/v1/embeddings"), "url_mismatch", 2},
        {"another model", line("a") + line("b", "gpt-4o"), "model_mismatch", 2},
        {"an unknown model", line("a", "gpt-nothing"), "model_not_found", 1},
        {"a model of the other endpoint", line("a", "text-embedding-3-small"), "model_not_found", 1},
    };
    for (const auto& c : cases) {
        CAPTURE(c.what);
        const auto v = validated(c.content);
        REQUIRE(v.errors.size() == 1);
        CHECK(v.errors[0].code == c.code);
        CHECK(v.errors[0].line.value_or(0) == c.line);
        CHECK_FALSE(v.errors[0].message.empty());
    }
}

TEST_CASE("a batch has at most 50,000 requests, and as many embedding inputs", "[sandbox]") {
    std::string text;
    for (int i = 0; i < 50'001; ++i)
        text += line(std::to_string(i));
    REQUIRE(validated(text).errors.size() == 1);
    CHECK(validated(text).errors[0].code == "too_many_tasks");

    std::string inputs = R"(["a")";
    for (int i = 1; i < 2048; ++i)
        inputs += R"(,"a")";
    inputs += "]";
    text.clear();
    for (int i = 0; i < 25; ++i)
        text += R"({"custom_id":")" + std::to_string(i) +
                R"(","method":"POST","url":"/v1/embeddings","body":)" +
                R"({"model":"text-embedding-3-small","input":)" + inputs + "}}\n";
    const auto v = validated(text, "/v1/embeddings");
    REQUIRE(v.errors.size() == 1);
    CHECK(v.errors[0].code == "too_many_tasks");
}

TEST_CASE("a timeline gives a tenth to validation, a tenth to finalizing, and lines evenly between",
          "[sandbox]") {
    batch_record b;
    b.created_ms = 1000;
    b.total = 10;
    const timing slow{100, 86'400};
    CHECK(timeline(b, slow).validated_ms() == 11'000);
    CHECK(timeline(b, slow).finalizing_ms() == 91'000);
    b.in_progress_ms = 11'000;
    CHECK(timeline(b, slow).lines_due(11'000) == 0);
    CHECK(timeline(b, slow).lines_due(51'000) == 5);
    CHECK(timeline(b, slow).lines_due(91'000) == 10);
    CHECK(timeline(b, slow).lines_due(1'000'000) == 10);
    CHECK(timeline(b, slow).next_line_ms() == 19'000);
    CHECK(timeline(b, slow).window_end_ms() == 86'401'000);
    CHECK(timeline(b, {0, 1}).lines_due(11'000) == 10);
    b.faults.seconds = 10;
    CHECK(timeline(b, slow).validated_ms() == 2000);
    b.faults.expire_at = 0.3;
    CHECK(timeline(b, slow).lines_due(1'000'000) == 3);
    b.lines_done = 2;
    CHECK_FALSE(timeline(b, slow).expires_now());
    b.lines_done = 3;
    CHECK(timeline(b, slow).expires_now());
    CHECK_FALSE(timeline(b, slow).cancels_now());
}

TEST_CASE("a multipart body is read the same, however it is cut", "[sandbox]") {
    const std::string body =
        "preamble\r\n--Xy\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
        "--Xy\r\nContent-Type: text/plain\r\n"
        "content-disposition: form-data; filename=\"a \\\"b\\\".jsonl\"; name=file\r\n\r\n"
        "line\r\n--X\r\n\r\n-- Xy\r\n--Xy\r\n"
        "Content-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--Xy--\r\nepilogue";
    for (std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{7}, body.size()}) {
        CAPTURE(step);
        recording_sink sink;
        multipart_reader reader("Xy", sink);
        for (std::size_t at = 0; at < body.size(); at += step)
            REQUIRE(reader.push(std::string_view(body).substr(at, step)).has_value());
        CHECK(reader.complete());
        REQUIRE(sink.parts.size() == 3);
        CHECK(sink.parts[0] == "purpose|-|batch");
        CHECK(sink.parts[1] == "file|a \"b\".jsonl|line\r\n--X\r\n\r\n-- Xy");
        CHECK(sink.parts[2] == "empty|-|");
        CHECK(sink.ended == 3);
    }
    recording_sink sink;
    multipart_reader reader("Xy", sink);
    CHECK(reader.push("--Xy\r\nX: y\r\n\r\n").has_error());
    CHECK(multipart_boundary("multipart/form-data; boundary=\"a b\"") == "a b");
    CHECK(multipart_boundary("Multipart/Form-Data; charset=x; boundary=ab") == "ab");
    CHECK_FALSE(multipart_boundary("application/json"));
}
