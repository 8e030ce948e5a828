// The sandbox as its clients see it: lives of batches, lists, faults, restarts.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/sandbox_thread.hpp"

#include <algorithm>
#include <set>

using namespace enrichd;
using nlohmann::json;
using test::chat_lines;
using test::embedding_lines;
using test::sandbox_setup;
using test::sandbox_thread;
using test::temporary_folder;

namespace {

struct fixture {
    temporary_folder folder;
    sandbox_setup setup{folder.path, "{}", 0, 86'400, "", 7};

    sandbox_setup with(const std::string& rules) {
        setup.scenario = "{\"seed\": 3, \"rules\": [" + rules + "]}";
        return setup;
    }
};

std::set<std::string> ids_of(const std::vector<std::string>& lines) {
    std::set<std::string> out;
    for (const auto& line : lines) {
        const auto parsed = json::parse(line, nullptr, false);
        if (parsed.is_object()) out.insert(parsed["custom_id"].get<std::string>());
    }
    return out;
}

std::string text(const json& j) {
    return j.is_string() ? j.get<std::string>() : j.dump();
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

TEST_CASE("create calls are checked at once", "[sandbox]") {
    fixture f;
    sandbox_thread sandbox(f.setup);
    const auto file = sandbox.upload(chat_lines(1));
    const json order = {
        {"input_file_id", file}, {"endpoint", "/v1/chat/completions"}, {"completion_window", "24h"}};
    const auto refused = [&](json changed) {
        const auto reply = sandbox.call("POST", "/v1/batches", changed.dump());
        return std::to_string(reply.status) + " " + text(json::parse(reply.body)["error"]["param"]);
    };
    const auto with = [&](const char* key, json value) {
        auto changed = order;
        changed[key] = std::move(value);
        return changed;
    };
    CHECK(refused(with("completion_window", "48h")) == "400 completion_window");
    CHECK(refused(with("endpoint", "/v1/nothing")) == "400 endpoint");
    CHECK(refused(with("endpoint", "/v1/responses")) == "400 endpoint");
    CHECK(refused(with("input_file_id", "file-none")) == "400 file_id");
    CHECK(refused(with("input_file_id", nullptr)) == "400 input_file_id");
    CHECK(refused(with("metadata", {{"a", 1}})) == "400 metadata.a");
    CHECK(refused(with("metadata", {{"a", std::string(513, 'x')}})) == "400 metadata.a");
    CHECK(refused(with("metadata", {{std::string(65, 'k'), "x"}})) == "400 metadata");
    json many;
    for (int i = 0; i < 17; ++i)
        many[std::to_string(i)] = "x";
    CHECK(refused(with("metadata", many)) == "400 metadata");
    CHECK(sandbox.call("POST", "/v1/batches", "{").status == 400);
    const auto other = json::parse(sandbox.upload_reply("x", "a.txt", "user_data").body);
    CHECK(refused(with("input_file_id", other["id"])) == "400 input_file_id");
    CHECK(sandbox.truth()["batches"].empty());
    CHECK(sandbox.create(file).contains("id"));
}

TEST_CASE("uploads are checked, listed, read back and deleted", "[sandbox]") {
    fixture f;
    sandbox_thread sandbox(f.setup);
    CHECK(sandbox.upload_reply("x\n", "upload").status == 400);
    CHECK(sandbox.upload_reply("x\n", "a.jsonl", "poetry").status == 400);
    CHECK(sandbox.call("POST", "/v1/files", "x", "Content-Type: text/plain\r\n").status == 400);
    const auto first = sandbox.upload("one\n");
    const auto second = sandbox.upload("two\n");
    sandbox.upload_reply("x", "a.txt", "user_data");
    const auto list = sandbox.json("GET", "/v1/files?purpose=batch");
    REQUIRE(list["data"].size() == 2);
    CHECK(list["data"][0]["id"] == second);
    CHECK(sandbox.json("GET", "/v1/files?order=asc")["data"][0]["id"] == first);
    CHECK(sandbox.json("GET", "/v1/files/" + first)["bytes"] == 4);
    CHECK(sandbox.call("GET", "/v1/files/" + first + "/content").body == "one\n");
    CHECK(sandbox.json("DELETE", "/v1/files/" + first)["deleted"] == true);
    CHECK(sandbox.call("GET", "/v1/files/" + first).status == 404);
    CHECK(sandbox.call("DELETE", "/v1/files/" + first).status == 404);
    CHECK(sandbox.call("GET", "/v1/files/..%2F..%2Fsandbox.db/content").status == 404);
}

TEST_CASE("lists come in pages, newest first, none twice and none left out", "[sandbox]") {
    fixture f;
    sandbox_thread sandbox(f.setup);
    const auto file = sandbox.upload(chat_lines(1));
    std::vector<std::string> made;
    for (int i = 0; i < 7; ++i)
        made.insert(made.begin(), text(sandbox.create(file)["id"]));
    std::vector<std::string> seen;
    std::string after;
    for (int pages = 1;; ++pages) {
        const auto page = sandbox.json("GET", "/v1/batches?limit=3" + after);
        for (const auto& b : page["data"])
            seen.push_back(text(b["id"]));
        CHECK(page["last_id"] == seen.back());
        if (!page["has_more"].get<bool>()) {
            CHECK(pages == 3);
            break;
        }
        after = "&after=" + seen.back();
    }
    CHECK(seen == made);
    CHECK(sandbox.call("GET", "/v1/batches?limit=0").status == 400);
    CHECK(sandbox.call("GET", "/v1/batches?limit=101").status == 400);
    CHECK(sandbox.call("GET", "/v1/batches?after=batch_none").status == 404);
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

TEST_CASE("calls fail before or after their effect", "[sandbox]") {
    fixture f;
    sandbox_thread sandbox(f.with(R"(
        {"on": "create", "nth": 1, "do": "drop", "when": "before"},
        {"on": "create", "nth": 2, "do": "drop", "when": "after"},
        {"on": "create", "nth": 3, "do": "status", "status": 503, "retry_after": 1.5, "when": "after"},
        {"on": "create", "nth": 4, "do": "status", "status": 429},
        {"on": "content", "do": "cut", "after_bytes": 10})"));
    const auto file = sandbox.upload(chat_lines(1));
    const auto order =
        json({{"input_file_id", file}, {"endpoint", "/v1/chat/completions"}, {"completion_window", "24h"}})
            .dump();
    const auto batches = [&] { return sandbox.truth()["batches"].size(); };
    CHECK(sandbox.call("POST", "/v1/batches", order).status == 0);
    CHECK(batches() == 0);
    CHECK(sandbox.call("POST", "/v1/batches", order).status == 0);
    CHECK(batches() == 1);
    const auto busy = sandbox.call("POST", "/v1/batches", order);
    CHECK(busy.status == 503);
    CHECK(busy.head.find("Retry-After: 2\r\n") != std::string::npos);
    CHECK(busy.head.find("retry-after-ms: 1500\r\n") != std::string::npos);
    CHECK(batches() == 2);
    CHECK(sandbox.call("POST", "/v1/batches", order).status == 429);
    CHECK(batches() == 2);
    const auto cut = sandbox.call("GET", "/v1/files/" + file + "/content");
    CHECK(cut.status == 200);
    CHECK_FALSE(cut.complete);
    CHECK(cut.body.size() <= 10);
}

TEST_CASE("a new batch may be missing from the list at first", "[sandbox]") {
    fixture f;
    sandbox_thread sandbox(f.with(R"({"on": "batch", "nth": 1, "do": "list_lag", "calls": 2})"));
    const auto file = sandbox.upload(chat_lines(1));
    const auto id = text(sandbox.create(file)["id"]);
    sandbox.wait(id);
    CHECK(sandbox.json("GET", "/v1/batches")["data"].empty());
    CHECK(sandbox.json("GET", "/v1/batches")["data"].empty());
    CHECK(sandbox.json("GET", "/v1/batches")["data"].size() == 1);
}

TEST_CASE("a scenario may be exchanged while the sandbox runs", "[sandbox]") {
    fixture f;
    sandbox_thread sandbox(f.setup);
    CHECK(sandbox.call("GET", "/v1/models").status == 200);
    const auto bad = sandbox.call("POST", "/sandbox/scenario", R"({"rules": [{"on": "models"}]})");
    CHECK(bad.status == 400);
    CHECK(bad.body.find("rules[0].do") != std::string::npos);
    CHECK(sandbox.call("POST", "/sandbox/scenario", R"({"rules": [{"on": "models", "do": "status"}]})")
              .status == 200);
    CHECK(sandbox.call("GET", "/v1/models").status == 500);
}

TEST_CASE("with a key, only who has it is served", "[sandbox]") {
    fixture f;
    f.setup.api_key = "sk-rehearsal";
    sandbox_thread sandbox(f.setup);
    CHECK(sandbox.call("GET", "/v1/models").status == 401);
    const auto wrong = sandbox.call("GET", "/v1/models", "", "Authorization: Bearer sk-other\r\n");
    CHECK(wrong.status == 401);
    CHECK(wrong.body.find("sk-") == std::string::npos);
    CHECK(
        sandbox.call("GET", "/v1/models/gpt-4o-mini", "", "Authorization: Bearer sk-rehearsal\r\n").status ==
        200);
}

TEST_CASE("models and direct calls are answered", "[sandbox]") {
    fixture f;
    sandbox_thread sandbox(f.setup);
    CHECK(sandbox.json("GET", "/v1/models")["data"].size() > 10);
    CHECK(sandbox.json("GET", "/v1/models/gpt-4o-mini")["shutdown_date"] == "2027-01-14");
    CHECK(sandbox.call("GET", "/v1/models/gpt-2").status == 404);
    const auto v = sandbox.json("POST", "/v1/embeddings",
                                R"({"model": "text-embedding-3-small", "input": "x", "dimensions": 8})");
    CHECK(v["data"][0]["embedding"].size() == 8);
    CHECK(sandbox.call("POST", "/v1/chat/completions", "{").status == 400);
    CHECK(sandbox.call("GET", "/v1/nothing").status == 404);
    CHECK(sandbox.call("PUT", "/v1/files").status == 404);
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
