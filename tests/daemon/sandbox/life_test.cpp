// Lives of batches in the sandbox, as its clients see them: results, ends, faults, restarts.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/sandbox_fixture.hpp"

#include <algorithm>
#include <set>

using namespace enrichd;
using nlohmann::json;
using test::chat_lines;
using test::embedding_lines;
using test::sandbox_setup;
using test::sandbox_thread;
using test::text;
using fixture = test::sandbox_fixture;

namespace {

std::set<std::string> ids_of(const std::vector<std::string>& lines) {
    std::set<std::string> out;
    for (const auto& line : lines) {
        const auto parsed = json::parse(line, nullptr, false);
        if (parsed.is_object()) out.insert(parsed["custom_id"].get<std::string>());
    }
    return out;
}

} // namespace

TEST_CASE("a batch lives from validating to completed and leaves its results", "[sandbox]") {
    fixture f;
    sandbox_thread sandbox(f.setup);
    const auto file = sandbox.upload(chat_lines(3));
    const auto made = sandbox.create(file);
    CHECK(made["status"] == "validating");
    CHECK(made["request_counts"]["total"] == 0);
    CHECK(made["expires_at"] == made["created_at"].get<std::int64_t>() + 86'400);
    CHECK(made["output_file_id"].is_null());
    CHECK(made["metadata"].is_null());
    const auto done = sandbox.wait(text(made["id"]));
    CHECK(done["status"] == "completed");
    CHECK(done["model"] == "gpt-4o-mini");
    CHECK(done["request_counts"] == json({{"total", 3}, {"completed", 3}, {"failed", 0}}));
    CHECK(done["error_file_id"].is_null());
    for (const char* key : {"in_progress_at", "finalizing_at", "completed_at"})
        CHECK(done[key].is_number());
    for (const char* key : {"failed_at", "expired_at", "cancelling_at", "cancelled_at", "errors"})
        CHECK(done[key].is_null());

    const auto lines = sandbox.lines(done["output_file_id"]);
    REQUIRE(lines.size() == 3);
    std::int64_t input = 0, output = 0;
    for (const auto& line : lines) {
        const auto parsed = json::parse(line);
        CHECK(parsed["error"].is_null());
        CHECK(parsed["response"]["status_code"] == 200);
        input += parsed["response"]["body"]["usage"]["prompt_tokens"].get<std::int64_t>();
        output += parsed["response"]["body"]["usage"]["completion_tokens"].get<std::int64_t>();
    }
    CHECK(done["usage"]["input_tokens"] == input);
    CHECK(done["usage"]["output_tokens"] == output);
    const auto truth = sandbox.truth();
    CHECK(truth["batches"][0]["billed"]["input_tokens"] == input);
    CHECK(truth["batches"][0]["billed_by_custom_id"].size() == 3);
    CHECK(truth["calls"]["create"] == 1);
}

TEST_CASE("a file that does not validate fails its batch late", "[sandbox]") {
    fixture f;
    sandbox_thread sandbox(f.setup);
    const auto done = sandbox.run("no json\n" + chat_lines(1));
    CHECK(done["status"] == "failed");
    CHECK(done["errors"]["data"][0]["code"] == "invalid_json_line");
    CHECK(done["errors"]["data"][0]["line"] == 1);
    CHECK(done["request_counts"]["total"] == 0);
    CHECK(done["failed_at"].is_number());
}

TEST_CASE("requests that fail one by one go to the error file", "[sandbox]") {
    fixture f;
    sandbox_thread sandbox(f.setup);
    auto text_of_file = chat_lines(2);
    text_of_file += R"({"custom_id":"bad","method":"POST","url":"/v1/chat/completions",)"
                    R"("body":{"model":"gpt-4o-mini","max_tokens":10,"messages":[]}})";
    const auto done = sandbox.run(text_of_file);
    CHECK(done["status"] == "completed");
    CHECK(done["request_counts"] == json({{"total", 3}, {"completed", 2}, {"failed", 1}}));
    const auto errors = sandbox.lines(done["error_file_id"]);
    REQUIRE(errors.size() == 1);
    const auto line = json::parse(errors[0]);
    CHECK(line["custom_id"] == "bad");
    CHECK(line["error"].is_null());
    CHECK(line["response"]["status_code"] == 400);
    CHECK(line["response"]["body"]["error"]["code"] == "empty_array");
}

TEST_CASE("a cancelled batch keeps what was done", "[sandbox]") {
    fixture f;
    sandbox_thread sandbox(f.with(R"({"on": "batch", "do": "never_finish", "fraction": 0.5})"));
    const auto id = text(sandbox.create(sandbox.upload(chat_lines(10)))["id"]);
    while (sandbox.json("GET", "/v1/batches/" + id)["request_counts"]["completed"] != 5) {
    }
    CHECK(sandbox.json("GET", "/v1/batches/" + id)["status"] == "in_progress");
    CHECK(sandbox.json("POST", "/v1/batches/" + id + "/cancel")["status"] == "cancelling");
    const auto done = sandbox.wait(id);
    CHECK(done["status"] == "cancelled");
    CHECK(sandbox.lines(done["output_file_id"]).size() == 5);
    CHECK(done["error_file_id"].is_null());
    CHECK(sandbox.call("POST", "/v1/batches/" + id + "/cancel").status == 409);
}

TEST_CASE("an expired batch keeps what was done and names the rest", "[sandbox]") {
    fixture f;
    SECTION("by a scenario") {
        sandbox_thread sandbox(f.with(R"({"on": "batch", "do": "expire", "fraction": 0.3})"));
        const auto done = sandbox.run(embedding_lines(10), "/v1/embeddings");
        CHECK(done["status"] == "expired");
        CHECK(done["expired_at"].is_number());
        const auto answered = ids_of(sandbox.lines(done["output_file_id"]));
        const auto errors = sandbox.lines(done["error_file_id"]);
        CHECK(answered.size() == 3);
        REQUIRE(errors.size() == 7);
        CHECK(json::parse(errors[0])["response"].is_null());
        CHECK(json::parse(errors[0])["error"]["code"] == "batch_expired");
        for (const auto& id : ids_of(errors))
            CHECK(answered.count(id) == 0);
    }
    SECTION("by the clock") {
        f.with(R"({"on": "batch", "do": "never_finish"})");
        f.setup.window_seconds = 0.05;
        sandbox_thread sandbox(f.setup);
        const auto done = sandbox.run(chat_lines(4));
        CHECK(done["status"] == "expired");
        CHECK(done["output_file_id"].is_null());
        CHECK(sandbox.lines(done["error_file_id"]).size() == 4);
    }
}

TEST_CASE("a provider may fail or cancel a batch by itself", "[sandbox]") {
    fixture f;
    SECTION("late quota failure, with the limit in its message") {
        f.setup.scenario = R"({"quotas": {"text-embedding-3-small": 25}})";
        sandbox_thread sandbox(f.setup);
        CHECK(sandbox.run(embedding_lines(3), "/v1/embeddings")["status"] == "completed");
        const auto done = sandbox.run(embedding_lines(8), "/v1/embeddings");
        CHECK(done["status"] == "failed");
        CHECK(done["errors"]["data"][0]["code"] == "token_limit_exceeded");
        CHECK(text(done["errors"]["data"][0]["message"]).find("Limit: 25 enqueued tokens.") !=
              std::string::npos);
    }
    SECTION("a code of the scenario's choice, for the second batch only") {
        sandbox_thread sandbox(
            f.with(R"({"on": "batch", "nth": 2, "do": "fail", "code": "token_limit_exceeded"})"));
        CHECK(sandbox.run(chat_lines(1))["status"] == "completed");
        const auto done = sandbox.run(chat_lines(1));
        CHECK(done["status"] == "failed");
        CHECK(text(done["errors"]["data"][0]["message"]).find("Limit: 2,000,000 enqueued tokens.") !=
              std::string::npos);
    }
    SECTION("cancelled by the provider") {
        sandbox_thread sandbox(f.with(R"({"on": "batch", "do": "cancel", "fraction": 0.5})"));
        const auto done = sandbox.run(chat_lines(4));
        CHECK(done["status"] == "cancelled");
        CHECK(sandbox.lines(done["output_file_id"]).size() == 2);
    }
}

TEST_CASE("lines go wrong as the scenario says, and the truth knows what was billed", "[sandbox]") {
    fixture f;
    sandbox_thread sandbox(f.with(R"(
        {"on": "line", "nth": 1, "do": "missing"}, {"on": "line", "nth": 2, "do": "duplicate"},
        {"on": "line", "nth": 3, "do": "garbled"}, {"on": "line", "nth": 4, "do": "unknown_id"},
        {"on": "line", "nth": 5, "do": "status", "status": 429}, {"on": "line", "nth": 6, "do": "status", "status": 0},
        {"on": "line", "nth": 7, "do": "refusal"})"));
    const auto done = sandbox.run(chat_lines(8));
    CHECK(done["status"] == "completed");
    CHECK(done["request_counts"] == json({{"total", 8}, {"completed", 7}, {"failed", 1}}));
    const auto lines = sandbox.lines(done["output_file_id"]);
    CHECK(lines.size() == 7); // not 1, twice 2, 3 to 4, 6 to 8
    const auto ids = ids_of(lines);
    CHECK(ids.count("id-1") == 0);
    CHECK(ids.count("id-3") == 0);
    CHECK(ids.count("id-4") == 0);
    CHECK(ids.count("id-8") == 1);
    const auto errors = sandbox.lines(done["error_file_id"]);
    REQUIRE(errors.size() == 1);
    CHECK(json::parse(errors[0])["response"]["body"]["error"]["code"] == "rate_limit_exceeded");
    const auto billed = sandbox.truth()["batches"][0]["billed_by_custom_id"];
    CHECK(billed.size() == 6);
    CHECK_FALSE(billed.contains("id-5"));
    CHECK(billed.contains("id-1"));
}

TEST_CASE("reordered results are the same results", "[sandbox]") {
    fixture f;
    sandbox_thread sandbox(f.with(R"({"on": "batch", "nth": 2, "do": "reorder"})"));
    const auto straight = sandbox.lines(sandbox.run(chat_lines(50))["output_file_id"]);
    const auto shuffled = sandbox.lines(sandbox.run(chat_lines(50))["output_file_id"]);
    CHECK(ids_of(straight) == ids_of(shuffled));
    CHECK(json::parse(straight[0])["custom_id"] == "id-1");
    std::vector<std::string> order;
    for (const auto& line : shuffled)
        order.push_back(text(json::parse(line)["custom_id"]));
    CHECK_FALSE(std::is_sorted(order.begin(), order.end(), [](const auto& a, const auto& b) {
        return std::stoi(a.substr(3)) < std::stoi(b.substr(3));
    }));
}

TEST_CASE("file ids may be absent in the ways that were seen", "[sandbox]") {
    fixture f;
    sandbox_thread sandbox(f.with(R"({"on": "batch", "do": "null_output_file"},
                                     {"on": "batch", "do": "empty_error_file_id"})"));
    const auto done = sandbox.run(chat_lines(1));
    CHECK(done["status"] == "completed");
    CHECK(done["output_file_id"].is_null());
    CHECK(done["error_file_id"] == "");
}

TEST_CASE("a restarted sandbox goes on with its batches", "[sandbox]") {
    fixture f;
    f.with(R"({"on": "batch", "do": "never_finish", "fraction": 0.5})");
    std::string id;
    {
        sandbox_thread sandbox(f.setup);
        id = text(sandbox.create(sandbox.upload(chat_lines(10)))["id"]);
        while (sandbox.json("GET", "/v1/batches/" + id)["request_counts"]["completed"] != 5) {
        }
        sandbox_setup second = f.setup;
        CHECK_THROWS(sandbox_thread(second)); // one folder, one sandbox
    }
    sandbox_thread again(f.setup);
    CHECK(again.json("GET", "/v1/batches/" + id)["status"] == "in_progress");
    again.call("POST", "/v1/batches/" + id + "/cancel");
    const auto done = again.wait(id);
    CHECK(again.lines(done["output_file_id"]).size() == 5);
}

TEST_CASE("the same seed and calls give the same ids and answers", "[sandbox]") {
    std::string first;
    for (int round = 0; round < 2; ++round) {
        fixture f;
        sandbox_thread sandbox(f.setup);
        const auto done = sandbox.run(embedding_lines(3), "/v1/embeddings");
        std::string all = text(done["id"]) + text(done["output_file_id"]);
        for (const auto& line : sandbox.lines(done["output_file_id"]))
            all += line;
        if (round == 0) first = all;
        CHECK(all == first);
    }
}
