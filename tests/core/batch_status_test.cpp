// SPDX-License-Identifier: Apache-2.0
#include "core/batch_status.hpp"

#include "tests/support/catch.hpp"

#include <string>
#include <utility>

using namespace enrichd;

namespace {

// As the API reference shows one, every member present.
const std::string whole_batch = R"({
  "id": "batch_1", "object": "batch", "endpoint": "/v1/embeddings", "model": "text-embedding-3-small",
  "errors": {"object": "list", "data": [
    {"code": "invalid_json_line", "message": "This line is not parseable as valid JSON.", "param": null, "line": 7},
    {"code": "empty_file", "message": "The file is empty.", "param": null, "line": null}]},
  "input_file_id": "file-in", "completion_window": "24h", "status": "completed",
  "output_file_id": "file-out", "error_file_id": "file-err",
  "created_at": 1711471533, "in_progress_at": 1711471538, "expires_at": 1711557933, "finalizing_at": 1711493133,
  "completed_at": 1711493163, "failed_at": null, "expired_at": null, "cancelling_at": null, "cancelled_at": null,
  "request_counts": {"total": 100, "completed": 95, "failed": 5},
  "usage": {"input_tokens": 1500, "input_tokens_details": {"cached_tokens": 1024}, "output_tokens": 500,
            "output_tokens_details": {"reasoning_tokens": 300}, "total_tokens": 2000},
  "metadata": {"enrichd_submission": "ed1-0123", "empty": ""}
})";

// A batch of the required members and these.
std::string batch_with(const std::string& members) {
    return R"({"id":"b","status":"in_progress","created_at":1)" + (members.empty() ? "" : "," + members) +
           "}";
}

} // namespace

TEST_CASE("every member of a batch object is read", "[core][batch_status]") {
    const auto b = parse_batch(whole_batch);
    REQUIRE(b);
    CHECK(b->id == "batch_1");
    CHECK(b->status == batch_status::completed);
    CHECK(b->status_word == "completed");
    CHECK(b->created_at == 1711471533);
    CHECK(b->expires_at == 1711557933);
    CHECK(b->input_file_id == "file-in");
    CHECK(b->endpoint == "/v1/embeddings");
    CHECK(b->output_file_id == "file-out");
    CHECK(b->error_file_id == "file-err");
    CHECK(b->total == 100);
    CHECK(b->completed == 95);
    CHECK(b->failed == 5);
    const token_usage expected{1500, 1024, 500, 300};
    CHECK(b->usage == expected);
    REQUIRE(b->errors.size() == 2);
    CHECK(b->errors[0].code == "invalid_json_line");
    CHECK(b->errors[0].message == "This line is not parseable as valid JSON.");
    CHECK(b->errors[0].line == 7);
    CHECK_FALSE(b->errors[1].line);
    CHECK(b->metadata.at("enrichd_submission") == "ed1-0123");
    CHECK(b->metadata.at("empty").empty());
}

TEST_CASE("a member that is absent, null, empty or of another type counts as missing",
          "[core][batch_status]") {
    const std::string cases[] = {
        batch_with(""),
        batch_with(R"("expires_at":null,"input_file_id":null,"endpoint":null,"output_file_id":null,
                      "error_file_id":null,"request_counts":null,"usage":null,"errors":null,"metadata":null)"),
        batch_with(R"("input_file_id":"","endpoint":"","output_file_id":"","error_file_id":"",
                      "request_counts":{},"usage":{},"errors":{},"metadata":{})"),
        batch_with(
            R"("expires_at":"soon","input_file_id":1,"endpoint":[],"output_file_id":{},"error_file_id":7,
                      "request_counts":[],"usage":"none","errors":"none","metadata":[1])"),
        batch_with(R"("request_counts":{"total":null,"completed":"3","failed":-1},"usage":{"total_tokens":9},
                      "errors":{"object":"list","data":null},"metadata":{"n":1,"l":[]},"expires_at":1e300)"),
    };
    for (const auto& text : cases) {
        CAPTURE(text);
        const auto b = parse_batch(text);
        REQUIRE(b);
        CHECK(b->status == batch_status::in_progress);
        CHECK_FALSE(b->expires_at);
        CHECK(b->input_file_id.empty());
        CHECK(b->endpoint.empty());
        CHECK_FALSE(b->output_file_id);
        CHECK_FALSE(b->error_file_id);
        CHECK(b->total == 0);
        CHECK(b->completed == 0);
        CHECK(b->failed == 0);
        CHECK_FALSE(b->usage);
        CHECK(b->errors.empty());
        CHECK(b->metadata.empty());
    }
}

TEST_CASE("usage without details is usage, with nothing cached and no reasoning", "[core][batch_status]") {
    const auto b = parse_batch(batch_with(R"("usage":{"input_tokens":10,"input_tokens_details":null})"));
    REQUIRE(b);
    const token_usage expected{10, 0, 0, 0};
    CHECK(b->usage == expected);
}

TEST_CASE("the words of a status are known in any case, and another word is unknown",
          "[core][batch_status]") {
    const std::pair<const char*, batch_status> cases[] = {
        {"validating", batch_status::validating}, {"IN_PROGRESS", batch_status::in_progress},
        {"Finalizing", batch_status::finalizing}, {"COMPLETED", batch_status::completed},
        {"failed", batch_status::failed},         {"EXPIRED", batch_status::expired},
        {"cancelling", batch_status::cancelling}, {"CANCELLED", batch_status::cancelled},
        {"canceled", batch_status::cancelled},    {"canceling", batch_status::cancelling},
        {"queued", batch_status::unknown},        {"complete", batch_status::unknown},
    };
    for (const auto& [word, status] : cases) {
        CAPTURE(word);
        const auto b = parse_batch(R"({"id":"b","created_at":1,"status":")" + std::string(word) + "\"}");
        REQUIRE(b);
        CHECK(b->status == status);
    }
    CHECK(parse_batch(R"({"id":"b","created_at":1,"status":"QUEUED"})")->status_word == "queued");
}

TEST_CASE("only four statuses are ends, and each has its word", "[core][batch_status]") {
    const std::pair<batch_status, const char*> ends[] = {{batch_status::completed, "completed"},
                                                         {batch_status::failed, "failed"},
                                                         {batch_status::expired, "expired"},
                                                         {batch_status::cancelled, "cancelled"}};
    for (const auto& [status, word] : ends) {
        CHECK(has_ended(status));
        CHECK(name(status) == word);
    }
    const std::pair<batch_status, const char*> goes_on[] = {{batch_status::validating, "validating"},
                                                            {batch_status::in_progress, "in_progress"},
                                                            {batch_status::finalizing, "finalizing"},
                                                            {batch_status::cancelling, "cancelling"},
                                                            {batch_status::unknown, "unknown"}};
    for (const auto& [status, word] : goes_on) {
        CHECK_FALSE(has_ended(status));
        CHECK(name(status) == word);
    }
}

TEST_CASE("what is no batch is refused, and the error says why and shows it", "[core][batch_status]") {
    const std::pair<std::string, const char*> cases[] = {
        {"", "not JSON"},
        {"<html>\n<b>502</b>", "not JSON: <html>\\n<b>502</b>"},
        {"null", "not an object"},
        {"[]", "not an object"},
        {"7", "not an object"},
        {"{}", "'id' is missing"},
        {R"({"id":"","status":"completed","created_at":1})", "'id' is missing"},
        {R"({"id":5,"status":"completed","created_at":1})", "'id' is missing"},
        {R"({"id":"b","created_at":1})", "'status' is missing"},
        {R"({"id":"b","status":null,"created_at":1})", "'status' is missing"},
        {R"({"id":"b","status":"completed"})", "'created_at' is missing"},
        {R"({"id":"b","status":"completed","created_at":"1"})", "'created_at' is missing"},
        {R"({"id":"b","status":"completed","created_at":1e300})", "'created_at' is missing"},
        {R"({"id":"b","status":"completed","created_at":18446744073709551615})", "'created_at' is missing"},
        {R"({"id":"b","status":"completed","created_at":1)", "not JSON"},
        {"{\"id\":\"\xff\xfe\",\"status\":\"completed\",\"created_at\":1}", "\\xff\\xfe"},
    };
    for (const auto& [text, why] : cases) {
        CAPTURE(text, why);
        const auto b = parse_batch(text);
        REQUIRE_FALSE(b);
        CHECK(b.error().code == errc::provider_invalid);
        INFO(b.error().detail);
        CHECK(b.error().detail.find(why) != std::string::npos);
    }
}

TEST_CASE("a time written as a real number is read if it is whole", "[core][batch_status]") {
    CHECK(parse_batch(R"({"id":"b","status":"completed","created_at":1711471533.0})")->created_at ==
          1711471533);
}

TEST_CASE("a reply that nests 100,000 deep is refused", "[core][batch_status]") {
    const std::string opens(100'000, '[');
    CHECK(parse_batch(opens).error().code == errc::provider_invalid);
    CHECK(parse_batch(opens + std::string(100'000, ']')).error().code == errc::provider_invalid);
    std::string objects;
    for (int i = 0; i < 100'000; ++i)
        objects += R"({"a":)";
    CHECK(parse_batch(objects).error().code == errc::provider_invalid);
    CHECK(parse_batch(batch_with(R"("metadata":{"k":")" + opens + R"(\"[[["})")));
}

TEST_CASE("a megabyte of garbage leaves a short error of one line", "[core][batch_status]") {
    std::string garbage;
    std::uint32_t state = 1;
    while (garbage.size() < 1'000'000) {
        state = state * 1664525 + 1013904223;
        garbage += static_cast<char>(state >> 24);
    }
    const auto b = parse_batch(garbage);
    REQUIRE_FALSE(b);
    CHECK(b.error().detail.size() < 1000);
    for (const char c : b.error().detail)
        CHECK(static_cast<unsigned char>(c) >= 0x20);
}

TEST_CASE("an excerpt has 200 characters, and none that could fool a terminal", "[core][batch_status]") {
    const auto detail = [](const std::string& text) { return parse_batch(text).error().detail; };
    const std::string prefix = "batch object: not JSON: ";
    CHECK(detail("\x1b[31mred\r\n") == prefix + "\\x1b[31mred\\r\\n");
    CHECK(detail("right\u202eleft\u0085") == prefix + "right\\u202eleft\\x85");
    CHECK(detail(std::string("a\0b", 3)) == prefix + "a\\x00b");
    CHECK(detail("tiếng Việt 中文") == prefix + "tiếng Việt 中文");
    CHECK(detail("\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80") ==
          prefix + "\\xc0\\xaf\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80");
    CHECK(detail("x\xe4\xb8") == prefix + "x\\xe4\\xb8");
    std::string chinese;
    for (int i = 0; i < 200; ++i)
        chinese += "中";
    CHECK(detail(chinese) == prefix + chinese);
    CHECK(detail(chinese + "中") == prefix + chinese + "...");
}

TEST_CASE("a list of batches is read in the order it came", "[core][batch_status]") {
    const auto list = parse_batch_list(R"({"object":"list","data":[)" + whole_batch + "," + batch_with("") +
                                       R"(],"first_id":"batch_1","last_id":"b","has_more":true})");
    REQUIRE(list);
    REQUIRE(list->batches.size() == 2);
    CHECK(list->batches[0].id == "batch_1");
    CHECK(list->batches[1].id == "b");
    CHECK(list->has_more);
}

TEST_CASE("a list without has_more is the last page", "[core][batch_status]") {
    CHECK_FALSE(parse_batch_list(R"({"data":[]})")->has_more);
    CHECK_FALSE(parse_batch_list(R"({"data":[],"has_more":null})")->has_more);
    CHECK_FALSE(parse_batch_list(R"({"data":[],"has_more":"yes"})")->has_more);
    CHECK(parse_batch_list(R"({"value":[)" + batch_with("") + "]}")->batches.size() == 1);
}

TEST_CASE("a list with an entry that cannot be read is refused as a whole", "[core][batch_status]") {
    const auto list = parse_batch_list(R"({"data":[)" + batch_with("") + R"(,{"id":"b2"}]})");
    REQUIRE_FALSE(list);
    CHECK(list.error().code == errc::provider_invalid);
    CHECK(list.error().detail.find("entry 1: 'status' is missing") != std::string::npos);
    for (const char* text : {"", "{}", R"({"data":{}})", R"({"data":null})", "[]"}) {
        CAPTURE(text);
        CHECK(parse_batch_list(text).error().code == errc::provider_invalid);
    }
}
