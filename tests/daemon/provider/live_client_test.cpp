// SPDX-License-Identifier: Apache-2.0
#include "daemon/provider/live_client.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/provider_talk.hpp"
#include "tests/support/temp_folder.hpp"

#include <boost/asio/thread_pool.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace enrichd;
using namespace enrichd::test;
using namespace std::chrono_literals;

namespace {

const std::string batch = R"({"id":"batch_1","status":"validating","created_at":1711471533})";

provider::batch_order order() {
    return {"file-1", "/v1/embeddings", "24h", {{"enrichd_submission", "ed1"}}};
}

} // namespace

TEST_CASE("an upload is one multipart POST that holds the file", "[provider]") {
    provider_talk talk({success(R"({"id":"file-9","filename":"r.jsonl","bytes":6,"created_at":17})")});
    temp_folder folder;
    write_file(folder / "spool", "line1\n");
    const auto made = talk(talk.client.upload(folder / "spool", "r.jsonl"));
    REQUIRE(made);
    CHECK(made->id == "file-9");
    CHECK(made->filename == "r.jsonl");
    CHECK(made->bytes == 6);
    CHECK(made->created_at == 17);
    CHECK(talk.first_line(0) == "POST /v1/files HTTP/1.1");
    CHECK(contains(talk.server.requests[0], fmt::format("\r\nAuthorization: Bearer {}\r\n", key)));
    CHECK(contains(talk.server.requests[0],
                   "\r\nContent-Type: multipart/form-data; boundary=enrichd-boundary-"));
    CHECK(contains(talk.body(0),
                   "name=\"file\"; filename=\"r.jsonl\"\r\nContent-Type: application/octet-stream\r\n"
                   "\r\nline1\n\r\n--enrichd-boundary-"));
    CHECK(contains(talk.server.requests[0], fmt::format("\r\nContent-Length: {}\r\n", talk.body(0).size())));
}

TEST_CASE("a file that is not there is our error, and nothing is sent", "[provider]") {
    provider_talk talk({});
    const auto made = talk(talk.client.upload("/nonexistent/file", "r.jsonl"));
    REQUIRE_FALSE(made);
    CHECK(made.error().code == errc::io);
    CHECK(contains(made.error().detail, "/nonexistent/file"));
    CHECK(talk.server.connections == 0);
}

TEST_CASE("a batch is ordered with what the API wants and no more", "[provider]") {
    provider_talk talk({success(batch)});
    const auto made = talk(talk.client.create_batch(order()));
    REQUIRE(made);
    CHECK(made->id == "batch_1");
    CHECK(talk.first_line(0) == "POST /v1/batches HTTP/1.1");
    const auto sent = nlohmann::json::parse(talk.body(0));
    const nlohmann::json expected = {{"input_file_id", "file-1"},
                                     {"endpoint", "/v1/embeddings"},
                                     {"completion_window", "24h"},
                                     {"metadata", {{"enrichd_submission", "ed1"}}}};
    CHECK(sent == expected);
}

TEST_CASE("calls that create are sent once, whatever comes back", "[provider]") {
    struct line {
        script server;
        errc code;
        const char* detail;
    };
    const line table[] = {
        {failure(400), errc::provider_rejected, "the_code: why (HTTP 400 to POST /batches"},
        {failure(401), errc::provider_unauthorized, "the_code: why"},
        {failure(408), errc::provider_ambiguous, "the_code: why"},
        {failure(409), errc::provider_ambiguous, "the_code: why"},
        {failure(429), errc::provider_busy, "the_code: why"},
        {failure(500, "x-should-retry: true\r\n"), errc::provider_ambiguous, "the_code: why"},
        {success("{}"), errc::provider_ambiguous, "'id' is missing"},
        {success("<html>"), errc::provider_ambiguous, "not JSON"},
        {reply(""), errc::provider_ambiguous, "without an answer"},
        {reply("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), errc::provider_ambiguous, "cut off"},
    };
    for (const auto& l : table) {
        CAPTURE(l.detail);
        provider_talk talk({l.server, success(batch)});
        const auto made = talk(talk.client.create_batch(order()));
        REQUIRE_FALSE(made);
        CHECK(made.error().code == l.code);
        INFO(made.error().detail);
        CHECK(contains(made.error().detail, l.detail));
        CHECK(talk.server.connections == 1);
    }
}

TEST_CASE("an upload whose reply is unreadable, or tells of another length, is ambiguous", "[provider]") {
    temp_folder folder;
    write_file(folder / "spool", "line1\n");
    for (const char* text : {"{}", R"({"id":"file-9","bytes":5})", "oops"}) {
        CAPTURE(text);
        provider_talk talk({success(text)});
        const auto made = talk(talk.client.upload(folder / "spool", "r.jsonl"));
        REQUIRE_FALSE(made);
        CHECK(made.error().code == errc::provider_ambiguous);
    }
}

TEST_CASE("without a connection a call that creates had no effect", "[provider]") {
    boost::asio::io_context io;
    boost::asio::thread_pool pool(1);
    provider::settings s;
    {
        boost::asio::io_context other;
        s = settings_for(scripted_server(other, {})); // closed again at once
    }
    provider::live_client client(pool.get_executor(), s);
    const auto made = run(io, client.create_batch(order()));
    REQUIRE_FALSE(made);
    CHECK(made.error().code == errc::provider_busy);
    CHECK(contains(made.error().detail, "cannot connect"));
}

TEST_CASE("a wait that the server asks for is handed on", "[provider]") {
    provider_talk talk({failure(429, "Retry-After: 20\r\n")});
    CHECK(talk(talk.client.create_batch(order())).error().retry_after == 20s);
}

TEST_CASE("a batch that is beyond cancelling is a refusal, one that cancels is returned", "[provider]") {
    provider_talk talk({failure(409), success(R"({"id":"batch_1","status":"cancelling","created_at":1})")});
    CHECK(talk(talk.client.cancel_batch("batch_1")).error().code == errc::provider_rejected);
    CHECK(talk(talk.client.cancel_batch("batch_1"))->status == batch_status::cancelling);
    CHECK(talk.first_line(0) == "POST /v1/batches/batch_1/cancel HTTP/1.1");
    CHECK(contains(talk.server.requests[0], "\r\nContent-Length: 0\r\n"));
}

TEST_CASE("a read is repeated until it succeeds", "[provider]") {
    provider_talk talk({failure(503), reply(""), success(batch)});
    const auto got = talk(talk.client.get_batch("batch_1"));
    REQUIRE(got);
    CHECK(got->id == "batch_1");
    CHECK(talk.server.connections == 3);
    CHECK(talk.first_line(2) == "GET /v1/batches/batch_1 HTTP/1.1");
}

TEST_CASE("a read that keeps failing is given up, and the last reason is reported", "[provider]") {
    provider_talk talk({failure(503), failure(500), failure(429), success(batch)});
    const auto got = talk(talk.client.get_batch("batch_1"));
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::provider_busy);
    CHECK(talk.server.connections == 3);
}

TEST_CASE("a read is not repeated where that cannot help", "[provider]") {
    for (const auto& first : {failure(404), failure(401), failure(503, "x-should-retry: false\r\n"),
                              failure(429, "Retry-After: 3600\r\n"), success("{}")}) {
        provider_talk talk({first, success(batch)});
        CHECK_FALSE(talk(talk.client.get_batch("batch_1")));
        CHECK(talk.server.connections == 1);
    }
}

TEST_CASE("ids are encoded into the path", "[provider]") {
    provider_talk talk({success(R"({"id":"a/b?c=d e","status":"in_progress","created_at":1})")});
    CHECK(talk(talk.client.get_batch("a/b?c=d e")));
    CHECK(talk.first_line(0) == "GET /v1/batches/a%2Fb%3Fc%3Dd%20e HTTP/1.1");
}

TEST_CASE("an answer about another batch is no answer", "[provider]") {
    provider_talk talk({success(batch)});
    const auto other = talk(talk.client.get_batch("batch_2"));
    REQUIRE_FALSE(other);
    CHECK(other.error().code == errc::provider_invalid);
}

TEST_CASE("a server that does not say whether there is more has more while its pages are full",
          "[provider]") {
    std::string full;
    for (int i = 0; i < 100; ++i)
        full += (i ? "," : "") + batch;
    provider_talk talk({success(R"({"data":[)" + full + "]}"), success(R"({"data":[)" + batch + "]}")});
    CHECK(talk(talk.client.list_batches(""))->has_more == true);
    CHECK(talk(talk.client.list_batches("batch_1"))->has_more == false);
}

TEST_CASE("only a file is a file", "[provider]") {
    for (const char* status : {"202 Accepted", "204 No Content"}) {
        CAPTURE(status);
        temp_folder folder;
        provider_talk talk({reply(std::string("HTTP/1.1 ") + status + "\r\nConnection: close\r\n\r\n")});
        CHECK_FALSE(talk(talk.client.download("file-1", folder / "out.jsonl", {1000})));
        CHECK_FALSE(std::filesystem::exists(folder / "out.jsonl"));
    }
}

TEST_CASE("batches are listed page by page", "[provider]") {
    provider_talk talk(
        {success(R"({"data":[)" + batch + R"(],"has_more":true})"), success(R"({"data":[]})")});
    const auto first = talk(talk.client.list_batches(""));
    REQUIRE(first);
    CHECK(first->has_more == true);
    CHECK(talk(talk.client.list_batches("batch_1"))->batches.empty());
    CHECK(talk.first_line(0) == "GET /v1/batches?limit=100 HTTP/1.1");
    CHECK(talk.first_line(1) == "GET /v1/batches?limit=100&after=batch_1 HTTP/1.1");
}

TEST_CASE("files are found on every page by name and size, oldest first", "[provider]") {
    provider_talk talk(
        {success(R"({"data":[{"id":"f3","filename":"a.jsonl","bytes":5,"created_at":30},
                             {"id":"f2","filename":"a.jsonl","bytes":6,"created_at":20}],"has_more":true})"),
         success(R"({"data":[{"id":"f1","filename":"a.jsonl","bytes":5,"created_at":10},{"no":"id"},
                             {"id":"f0","filename":"b.jsonl","bytes":5,"created_at":5}],"has_more":false})")});
    const auto found = talk(talk.client.find_files("a.jsonl", 5));
    REQUIRE(found);
    REQUIRE(found->size() == 2);
    CHECK(found->at(0).id == "f1");
    CHECK(found->at(1).id == "f3");
    CHECK(talk.first_line(0) == "GET /v1/files?purpose=batch&limit=100 HTTP/1.1");
    CHECK(talk.first_line(1) == "GET /v1/files?purpose=batch&limit=100&after=f2 HTTP/1.1");
}

TEST_CASE("a server that sends the same page for ever is asked twice", "[provider]") {
    const auto page = success(R"({"data":[{"id":"f1","filename":"a.jsonl","bytes":5}],"has_more":true})");
    provider_talk talk({page, page, page});
    const auto found = talk(talk.client.find_files("a.jsonl", 5));
    REQUIRE(found);
    CHECK(found->size() == 1);
    CHECK(talk.server.connections == 2);
}

TEST_CASE("a list of files that cannot be read is an error, not an empty list", "[provider]") {
    provider_talk talk({success("{}")});
    CHECK(talk(talk.client.find_files("a.jsonl", 5)).error().code == errc::provider_invalid);
}

TEST_CASE("deleting what is gone is no error, and deleting is repeated", "[provider]") {
    provider_talk talk({failure(404), failure(500), success(R"({"deleted":true})"), failure(401)});
    CHECK(talk(talk.client.delete_file("file-1")));
    CHECK(talk(talk.client.delete_file("file-1")));
    CHECK(talk(talk.client.delete_file("file-1")).error().code == errc::provider_unauthorized);
    CHECK(talk.first_line(0) == "DELETE /v1/files/file-1 HTTP/1.1");
}

TEST_CASE("the key appears in no error, also where the server repeats it", "[provider]") {
    const auto echo = fmt::format(R"({{"error":{{"message":"{}Incorrect key {}","code":"{}"}}}})",
                                  std::string(470, '.'), key, key);
    provider_talk talk(
        {reply(answer(401, echo, fmt::format("Connection: close\r\nx-request-id: {}\r\n", key))),
         reply(answer(400, echo)), success(fmt::format(R"({{"status":"{}"}})", key)),
         reply(answer(302, "", fmt::format("Connection: close\r\nLocation: https://x/{}\r\n", key)))});
    const error errors[] = {
        talk(talk.client.get_batch("b")).error(), talk(talk.client.create_batch(order())).error(),
        talk(talk.client.get_batch("b")).error(), talk(talk.client.get_batch("b")).error()};
    for (const auto& e : errors) {
        INFO(e.detail);
        CHECK_FALSE(contains(e.detail, "sk-test"));
    }
    CHECK(contains(errors[0].detail, "Incorrect key [API key]"));
    CHECK(talk.server.connections == 4);
}

TEST_CASE("settings that cannot work are refused at once, and the key is not shown", "[provider]") {
    boost::asio::thread_pool pool(1);
    const auto refused = [&](std::string url, std::string secret) {
        provider::settings s;
        s.base_url = std::move(url);
        s.api_key = std::move(secret);
        try {
            provider::live_client client(pool.get_executor(), s);
        } catch (const fatal_error& e) {
            return std::string(e.what());
        }
        return std::string("accepted");
    };
    CHECK(contains(refused("http://example.org/v1", key), "use https"));
    CHECK(contains(refused("https://example.org/v1", "sk-secret\n"), "line break"));
    CHECK_FALSE(contains(refused("https://example.org/v1", "sk-secret\n"), "sk-secret"));
    CHECK(refused("https://example.org/v1", "") == "accepted");
}
