// Calls to the sandbox, one by one: what is checked, listed, refused and served.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/sandbox_fixture.hpp"

using namespace enrichd;
using nlohmann::json;
using test::chat_lines;
using test::sandbox_thread;
using test::text;
using fixture = test::sandbox_fixture;

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
