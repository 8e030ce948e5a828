// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/client.hpp"

#include "tests/support/await.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/scripted_server.hpp"
#include "tests/support/temp_folder.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <fmt/format.h>

using namespace enrichd;
using namespace enrichd::test;
using namespace std::chrono_literals;
using http::request;

namespace {

http::client_settings to(const scripted_server& server) {
    return {.server = *http::parse_base_url(fmt::format("http://127.0.0.1:{}/v1", server.port()))};
}

// A server that plays the scripts, and one client of it.
struct conversation {
    explicit conversation(std::vector<script> scripts) : server(io, std::move(scripts)), client(to(server)) {}

    result<http::response> send(request r) { return run(io, client.send(std::move(r))); }
    result<http::response> get(std::string target) {
        return send({.method = "GET", .target = std::move(target)});
    }

    boost::asio::io_context io;
    scripted_server server;
    http::client client;
};

std::string many(const std::string& text, int times) {
    std::string all;
    while (times-- > 0)
        all += text;
    return all;
}

} // namespace

TEST_CASE("a request is sent as it should stand on the wire", "[http][client]") {
    conversation c({{step::read_request{}, step::send{answer(200, "hello", "X-Request-Id: req_1\r\n")}}});
    auto r = c.send({"POST", "/batches", {{"Content-Type", "application/json"}}, {std::string("{}")}});
    REQUIRE(r);
    CHECK(r->status == 200);
    CHECK(r->body == "hello");
    CHECK(r->find("x-request-ID") == "req_1");
    CHECK_FALSE(r->find("absent"));
    REQUIRE(c.server.requests.size() == 1);
    CHECK(c.server.requests[0] == fmt::format("POST /v1/batches HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n"
                                              "Content-Type: application/json\r\nUser-Agent: enrichd\r\n"
                                              "Accept-Encoding: identity\r\nContent-Length: 2\r\n\r\n{{}}",
                                              c.server.port()));
}

TEST_CASE("a body ends where its length, its last chunk or the connection says", "[http][client]") {
    const std::string head = "HTTP/1.1 200 OK\r\n";
    SECTION("chunked") {
        conversation c(
            {{step::read_request{}, step::send{head + "Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n"},
              step::send{"6\r\n world\r\n0\r\nTrailer: 1\r\n\r\n"}}});
        CHECK(c.get("/x")->body == "hello world");
    }
    SECTION("empty") {
        conversation c(
            {{step::read_request{}, step::send{"HTTP/1.1 204 No Content\r\n\r\n"}, step::wait_for_end{}}});
        CHECK(c.get("/x")->body.empty());
    }
    SECTION("by the connection's end") {
        conversation c({{step::read_request{}, step::send{head + "\r\nhello"}}});
        CHECK(c.get("/x")->body == "hello");
    }
    SECTION("after interim answers") {
        conversation c(
            {{step::read_request{},
              step::send{"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"},
              step::send{answer(200, "final")}}});
        CHECK(c.get("/x")->body == "final");
    }
}

TEST_CASE("an answer that is cut off, too long, or not HTTP is an error and no answer", "[http][client]") {
    const std::pair<std::string, std::string> cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", "cut off after 5 bytes"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "cut off after 5 bytes"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "not HTTP"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello world", "followed by 6 bytes"},
        {"HTTP/1.1 200 OK\r\nContent-Le", "ends within its header"},
        {many("HTTP/1.1 100 Continue\r\n\r\n", 20), "only interim"},
        {"HTTP/1.1 099 Early\r\nContent-Length: 0\r\n\r\n", "has the status 99"},
        {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not HTTP"},
        {"", "closed the connection without an answer"},
        {"HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n", "more than 64 KiB"},
        {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", "compressed"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n", "more than the 1048576 bytes"},
        {"HTTP/1.1 200 OK\r\n\r\n" + std::string(1'048'577, 'x'), "more than the 1048576 bytes"},
    };
    for (const auto& [bytes, why] : cases) {
        CAPTURE(bytes.substr(0, 60), why);
        conversation c({{step::read_request{}, step::send{bytes}}});
        auto r = c.get("/x");
        REQUIRE_FALSE(r);
        CHECK(r.error().code == errc::io);
        INFO(r.error().detail);
        CHECK(contains(r.error().detail, why));
        CHECK(contains(r.error().detail, fmt::format("GET 127.0.0.1:{}/v1/x: ", c.server.port())));
    }
}

TEST_CASE("a request that would break out of its line is not sent", "[http][client]") {
    conversation c({});
    const request bad[] = {
        {.method = "GET", .target = "/x HTTP/1.1\r\nX: y"},
        {.method = "G T", .target = "/x"},
        {.method = "GET", .target = "/x", .headers = {{"Authorization", "Bearer sk-secret\n"}}},
        {.method = "GET", .target = "/x", .headers = {{"A: b\r\nC", "d"}}},
        {.method = "POST", .target = "/x", .body = {http::file_part{"/nonexistent/file", 1}}},
        {.method = "POST", .target = "/x", .body = {http::file_part{"/dev/null", 1}}},
    };
    for (const auto& r : bad) {
        auto done = c.send(r);
        REQUIRE_FALSE(done);
        CHECK(done.error().code == errc::invalid_input);
        CHECK_FALSE(contains(done.error().detail, "sk-secret"));
    }
    CHECK(c.server.connections == 0);
}

TEST_CASE("a connection is used again for reading", "[http][client]") {
    conversation c({{step::read_request{}, step::send{answer(200, "1")}, step::read_request{},
                     step::send{answer(200, "2")}, step::wait_for_end{}}});
    CHECK(c.get("/a")->body == "1");
    CHECK(c.get("/b")->body == "2");
    CHECK(c.server.connections == 1);
}

TEST_CASE("a connection that the server means to close is not used again", "[http][client]") {
    conversation c(
        {{step::read_request{}, step::send{answer(200, "1", "Connection: close\r\n")}, step::wait_for_end{}},
         {step::read_request{}, step::send{answer(200, "2")}}});
    CHECK(c.get("/a")->body == "1");
    CHECK(c.get("/b")->body == "2");
    CHECK(c.server.connections == 2);
}

TEST_CASE("a read over a connection that the server closed meanwhile goes over a new one", "[http][client]") {
    conversation c({{step::read_request{}, step::send{answer(200, "1")}},
                    {step::read_request{}, step::send{answer(200, "2")}}});
    CHECK(c.get("/a")->body == "1");
    CHECK(c.get("/b")->body == "2");
    CHECK(c.server.connections == 2);
    CHECK(c.server.requests.size() == 2);
}

TEST_CASE("a read is not repeated once its answer began, nor over a new connection", "[http][client]") {
    SECTION("the answer began") {
        conversation c(
            {{step::read_request{}, step::send{answer(200, "1")}, step::read_request{}, step::send{"HTTP/1"}},
             {step::read_request{}, step::send{answer(200, "never asked")}}});
        CHECK(c.get("/a"));
        CHECK(c.get("/b").error().code == errc::io);
        CHECK(c.server.requests.size() == 2);
    }
    SECTION("the connection was new") {
        conversation c(
            {{step::read_request{}}, {step::read_request{}, step::send{answer(200, "never asked")}}});
        CHECK(c.get("/a").error().code == errc::io);
        CHECK(c.server.connections == 1);
    }
}

TEST_CASE("a POST is sent once, over a connection of its own", "[http][client]") {
    conversation c({{step::read_request{}, step::send{answer(200, "1")}, step::wait_for_end{}},
                    {step::read_request{}},
                    {step::read_request{}, step::send{answer(200, "never asked")}}});
    CHECK(c.get("/a"));
    auto r = c.send({"POST", "/batches", {}, {std::string("{}")}});
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::io);
    CHECK(contains(r.error().detail, "without an answer"));
    CHECK(c.server.connections == 2);
    CHECK(c.server.requests.size() == 2);
}

TEST_CASE("no connection is told apart from no answer", "[http][client]") {
    boost::asio::io_context io;
    std::uint16_t port = 0;
    {
        boost::asio::io_context other;
        port = scripted_server(other, {}).port(); // closed again at once
    }
    http::client client({.server = *http::parse_base_url(fmt::format("http://127.0.0.1:{}", port))});
    auto r = run(io, client.send({"POST", "/x", {}, {std::string("x")}}));
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::unavailable);
    CHECK(contains(r.error().detail, "Connection refused"));
}

TEST_CASE("each step has its deadline", "[http][client]") {
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
    SECTION("the header must be complete in time, however it trickles") {
        conversation c({{step::read_request{}, step::send{"HTTP/1.1 200 OK\r\n"}, step::drip{"X: y\r\n"}}});
        auto r = c.send({.target = "/x", .limits = http::deadlines{.header = 20ms}});
        REQUIRE_FALSE(r);
        CHECK(r.error().code == errc::timed_out);
    }
    SECTION("no answer at all") {
        conversation c({{step::read_request{}, step::wait_for_end{}}});
        auto r = c.send({.target = "/x", .limits = http::deadlines{.header = 20ms}});
        CHECK(r.error().code == errc::timed_out);
        CHECK(contains(r.error().detail, "waiting for the answer"));
    }
    SECTION("silence within the body") {
        conversation c({{step::read_request{}, step::send{head + "x"}, step::wait_for_end{}}});
        auto r = c.send({.target = "/x", .limits = http::deadlines{.idle = 20ms}});
        CHECK(r.error().code == errc::timed_out);
        CHECK(contains(r.error().detail, "reading the answer"));
    }
    SECTION("a body that trickles passes the idle limit, not the total one") {
        conversation c({{step::read_request{}, step::send{head}, step::drip{"x"}}});
        auto r = c.send({.target = "/x", .limits = http::deadlines{.idle = 5s, .total = 40ms}});
        CHECK(r.error().code == errc::timed_out);
    }
    SECTION("a body that trickles is slower than the least rate") {
        conversation c({{step::read_request{}, step::send{head}, step::drip{"x"}}});
        http::deadlines limits{.idle = 20ms, .total = std::nullopt};
        limits.min_bytes_per_second = std::uint64_t{1} << 40;
        auto r = c.send({.target = "/x", .limits = limits});
        CHECK(r.error().code == errc::timed_out);
        CHECK(contains(r.error().detail, "slower than"));
    }
    SECTION("a server that does not take the body") {
        conversation c({{step::read_head{}, step::hold{}}});
        temp_folder folder;
        write_file(folder / "big", "");
        std::filesystem::resize_file(folder / "big", 64 << 20);
        auto r = c.send({.method = "POST",
                         .target = "/x",
                         .body = {http::file_part{folder / "big", 64 << 20}},
                         .limits = http::deadlines{.write = 50ms, .header = 20ms}});
        REQUIRE_FALSE(r);
        CHECK(r.error().code == errc::timed_out);
        CHECK(contains(r.error().detail, "sending the request"));
    }
}

TEST_CASE("a connection whose answer timed out is not used again", "[http][client]") {
    conversation c(
        {{step::read_request{}, step::send{answer(200, "1")}, step::read_request{}, step::wait_for_end{}},
         {step::read_request{}, step::send{answer(200, "3")}}});
    CHECK(c.get("/a"));
    CHECK(c.send({.target = "/b", .limits = http::deadlines{.header = 20ms}}).error().code ==
          errc::timed_out);
    CHECK(c.get("/c")->body == "3");
}

TEST_CASE("a server may refuse a large body before it has read it", "[http][client]") {
    conversation c({{step::read_head{}, step::send{answer(401, "no", "Connection: close\r\n")}}});
    temp_folder folder;
    const std::uint64_t bytes = 8 << 20;
    write_file(folder / "big", std::string(bytes, 'x'));
    auto r = c.send({"POST", "/files", {}, {http::file_part{folder / "big", bytes}}});
    REQUIRE(r);
    CHECK(r->status == 401);
    CHECK(r->body == "no");
}

TEST_CASE("a server that claims success without the whole body is not believed", "[http][client]") {
    conversation c({{step::read_head{}, step::send{answer(200, "{}")}}});
    temp_folder folder;
    const std::uint64_t bytes = 8 << 20;
    write_file(folder / "big", std::string(bytes, 'x'));
    auto r = c.send({"POST", "/files", {}, {http::file_part{folder / "big", bytes}}});
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::io);
}

TEST_CASE("a file that shrinks while it is sent is an error", "[http][client]") {
    temp_folder folder;
    const std::uint64_t bytes = 4 << 20;
    write_file(folder / "big", std::string(bytes, 'x'));
    conversation c(
        {{step::read_head{}, step::then{[&] { std::filesystem::resize_file(folder / "big", 1000); }},
          step::swallow_request{}}});
    auto r = c.send({"POST", "/files", {}, {std::string(), http::file_part{folder / "big", bytes}}});
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::io);
    CHECK(contains(r.error().detail, "must not change while it is sent"));
}

TEST_CASE("a Unix socket carries a stream of lines with no deadline between them", "[http][client]") {
    boost::asio::io_context io;
    temp_folder folder;
    scripted_server server(
        io,
        {{step::read_request{}, step::send{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
          step::send{"8\r\n{\"a\":1}\n\r\n"}, step::send{"8\r\n{\"a\":2}\n\r\n0\r\n\r\n"}}},
        folder / "control.sock");
    http::client client(
        {.server = http::unix_endpoint(folder / "control.sock"), .limits = {.idle = {}, .total = {}}});
    std::string lines;
    auto take = [&lines](std::span<const char> piece) {
        lines.append(piece.data(), piece.size());
        return tests::at_once({});
    };
    auto r = run(io, client.send({.target = "/v1/events", .sink = take}));
    REQUIRE(r);
    CHECK(lines == "{\"a\":1}\n{\"a\":2}\n");
    CHECK(r->body.empty());
    CHECK(server.requests[0].rfind("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n", 0) == 0);
}

TEST_CASE("a Unix socket that is not there, or whose path is too long, is no connection", "[http][client]") {
    boost::asio::io_context io;
    for (const auto& path : {std::string("/nonexistent/control.sock"), "/" + std::string(200, 'x')}) {
        http::client client({.server = http::unix_endpoint(path)});
        auto r = run(io, client.send({.target = "/v1/status"}));
        REQUIRE_FALSE(r);
        CHECK(r.error().code == errc::unavailable);
        CHECK(contains(r.error().detail, path));
    }
}

TEST_CASE("a sink sees a success only, and its error is the call's", "[http][client]") {
    conversation c({{step::read_request{}, step::send{answer(404, "not here")}, step::read_request{},
                     step::send{answer(200, "data")}, step::wait_for_end{}}});
    int calls = 0;
    auto refuse = [&calls](std::span<const char>) {
        ++calls;
        return tests::at_once(error{errc::unavailable, "disk full"});
    };
    auto missing = c.send({.target = "/a", .sink = refuse});
    REQUIRE(missing);
    CHECK(missing->body == "not here");
    CHECK(calls == 0);
    auto full = c.send({.target = "/b", .sink = refuse});
    REQUIRE_FALSE(full);
    CHECK(full.error().code == errc::unavailable);
    CHECK(contains(full.error().detail, "disk full"));
    CHECK(calls == 1);
}

TEST_CASE("several requests at a time have a connection each", "[http][client]") {
    conversation c({{step::read_request{}, step::read_request{}, step::send{answer(200, "never")}},
                    {step::read_request{}, step::send{answer(200, "second")}, step::wait_for_end{}}});
    boost::asio::cancellation_signal stop;
    std::optional<result<http::response>> first;
    boost::asio::co_spawn(c.io, c.client.send({.target = "/a"}),
                          boost::asio::bind_cancellation_slot(
                              stop.slot(), [&](std::exception_ptr, auto r) { first.emplace(std::move(r)); }));
    while (c.server.requests.empty())
        c.io.run_one();
    CHECK(c.get("/b")->body == "second");
    CHECK_FALSE(first);

    // And a caller that is cancelled learns of it at once.
    stop.emit(boost::asio::cancellation_type::terminal);
    while (!first)
        c.io.run_one();
    REQUIRE_FALSE(*first);
    CHECK(first->error().code == errc::cancelled);
}
