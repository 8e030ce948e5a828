// The HTTP server, seen from the wire.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/request_target.hpp"
#include "daemon/http/server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/raw_http.hpp"
#include "tests/support/server_thread.hpp"

#include <fmt/format.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <sys/stat.h>
#include <unistd.h>

using namespace enrichd;
using http::response_writer;
using http::server_request;
using test::raw_connection;
using test::raw_request;
using test::server_thread;
template <class T>
using awaitable = boost::asio::awaitable<T>;

namespace {

struct temporary_folder {
    std::filesystem::path path;
    temporary_folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "enrichd-http-XXXXXX").native();
        path = ::mkdtemp(pattern.data());
    }
    ~temporary_folder() { std::filesystem::remove_all(path); }
};

// Says what it was asked: method, path, parameters, peer, and the body's length.
awaitable<void> echo(server_request& in, response_writer& out) {
    auto body = co_await in.read_text(1 << 20);
    if (!body) {
        (void)co_await out.reply(413, "text/plain", body.error().detail);
        co_return;
    }
    std::string text = in.method + " " + in.path;
    for (const auto& [name, value] : in.query)
        text += fmt::format(" {}={}", name, value);
    if (in.peer) text += " uid=" + std::to_string(in.peer->uid) + " pid=" + std::to_string(in.peer->pid);
    http::field_list fields = {{"X-Test", "yes"}};
    (void)co_await out.reply(200, "text/plain", text + " " + *body, fields);
}

awaitable<void> refuse(server_request&, response_writer& out) {
    (void)co_await out.reply(429, "text/plain", "later");
}

awaitable<void> three_pieces(server_request&, response_writer& out) {
    (void)co_await out.begin(200, "application/x-ndjson");
    for (int n = 1; n <= 3; ++n) {
        const auto piece = "{\"n\":" + std::to_string(n) + "}\n";
        (void)co_await out.write(piece);
    }
    (void)co_await out.finish();
}

awaitable<void> cut_in_the_middle(server_request&, response_writer& out) {
    out.cut_after(1000);
    (void)co_await out.reply(200, "text/plain", std::string(5000, 'x'));
}

awaitable<void> cut_before_reading(server_request&, response_writer& out) {
    out.cut();
    co_return;
}

awaitable<void> fail(server_request&, response_writer&) {
    throw std::runtime_error("broken on purpose");
    co_return;
}

struct file_handler {
    std::filesystem::path file;
    awaitable<void> operator()(server_request&, response_writer& out) const {
        auto sent = co_await out.send_file(file, "application/octet-stream");
        if (!sent && !out.started()) (void)co_await out.reply(404, "text/plain", sent.error().detail);
    }
};

// Waits for the peer to leave, then says so.
struct waiting_handler {
    std::promise<void>* entered;
    std::promise<bool>* left;
    awaitable<void> operator()(server_request&, response_writer& out) const {
        (void)co_await out.begin(200, "application/x-ndjson");
        (void)co_await out.write("hello\n");
        entered->set_value();
        co_await out.until_peer_gone();
        left->set_value(out.peer_gone());
    }
};

std::uint16_t started(server_thread& server) {
    const auto port = server.listen_tcp();
    server.start();
    return port;
}

} // namespace

TEST_CASE("a request target is taken apart and decoded", "[http]") {
    const auto target = http::parse_request_target("/a%20b/c?limit=20&after=x%2By&empty&q=a+b");
    REQUIRE(target);
    CHECK(target->path == "/a b/c");
    CHECK(target->query == http::field_list{{"limit", "20"}, {"after", "x+y"}, {"empty", ""}, {"q", "a b"}});
    CHECK_FALSE(http::parse_request_target("*"));
    CHECK_FALSE(http::parse_request_target("/a%2"));
    CHECK_FALSE(http::parse_request_target("/a%zz"));
    CHECK_FALSE(http::parse_request_target("/a%00"));
    CHECK(http::same_field("content-LENGTH", "Content-Length"));
    CHECK_FALSE(http::same_field("Content-Length", "Content-Type"));
}

TEST_CASE("a connection serves request after request, also pipelined", "[http]") {
    server_thread server(echo);
    raw_connection peer(started(server));
    CHECK(peer.exchange(raw_request("GET", "/one?a=1")).body == "GET /one a=1 ");
    const auto reply = peer.exchange(raw_request("POST", "/two", "body"));
    CHECK(reply.status == 200);
    CHECK(reply.body == "POST /two body");
    CHECK(reply.head.find("X-Test: yes\r\n") != std::string::npos);
    peer.send(raw_request("POST", "/three", "3") + raw_request("POST", "/four", "4"));
    CHECK(peer.receive().body == "POST /three 3");
    CHECK(peer.receive().body == "POST /four 4");
    const auto last = peer.exchange(raw_request("GET", "/five", "", "Connection: close\r\n"));
    CHECK(last.head.find("Connection: close") != std::string::npos);
    CHECK(peer.ended());
}

TEST_CASE("a body may come in chunks, byte by byte, or after 100 Continue", "[http]") {
    server_thread server(echo);
    raw_connection peer(started(server));
    const std::string chunked = "POST /c HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "4\r\nwiki\r\n5\r\npedia\r\n0\r\n\r\n";
    for (char c : chunked)
        REQUIRE(peer.send(std::string_view(&c, 1)));
    CHECK(peer.receive().body == "POST /c wikipedia");

    peer.send("POST /d HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    CHECK(peer.receive().status == 100);
    CHECK(peer.exchange("abc").body == "POST /d abc");
}

TEST_CASE("limits are answered, not crashed upon", "[http]") {
    server_thread server(echo);
    const auto port = started(server);
    SECTION("a header beyond 64 KiB") {
        raw_connection peer(port);
        CHECK(peer.exchange("GET / HTTP/1.1\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n").status == 431);
        CHECK(peer.ended());
    }
    SECTION("a body beyond the handler's limit, announced") {
        raw_connection peer(port);
        peer.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 2000000\r\n\r\n");
        CHECK(peer.receive().status == 413);
    }
    SECTION("what is no HTTP") {
        raw_connection peer(port);
        CHECK(peer.exchange("no such thing\r\n\r\n").status == 400);
        CHECK(peer.ended());
    }
    SECTION("a target that cannot be decoded") {
        raw_connection peer(port);
        CHECK(peer.exchange(raw_request("GET", "/%zz")).status == 400);
    }
}

TEST_CASE("a peer that sends its whole body gets the reply of a handler that did not read it", "[http]") {
    server_thread server(refuse);
    raw_connection peer(started(server));
    CHECK(peer.exchange(raw_request("POST", "/", std::string(500'000, 'b'))).status == 429);
    CHECK(peer.exchange(raw_request("GET", "/")).body == "later");
}

TEST_CASE("a reply may be streamed in pieces", "[http]") {
    server_thread server(three_pieces);
    raw_connection peer(started(server));
    const auto reply = peer.exchange(raw_request("GET", "/"));
    CHECK(reply.complete);
    CHECK(reply.body == "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
    CHECK(peer.exchange(raw_request("GET", "/")).complete);
}

TEST_CASE("a file is sent as it is, and a missing one can still be answered", "[http]") {
    temporary_folder folder;
    std::string content(300'000, '\0');
    for (std::size_t i = 0; i < content.size(); ++i)
        content[i] = static_cast<char>(i * 7 + i / 256);
    std::ofstream(folder.path / "file", std::ios::binary) << content;

    server_thread server(file_handler{folder.path / "file"});
    raw_connection peer(started(server));
    const auto reply = peer.exchange(raw_request("GET", "/"));
    CHECK(reply.complete);
    CHECK(reply.body == content);
    std::filesystem::remove(folder.path / "file");
    CHECK(peer.exchange(raw_request("GET", "/")).status == 404);
}

TEST_CASE("a Unix socket knows its peer and is removed at the end", "[http]") {
    temporary_folder folder;
    const auto path = folder.path / "socket";
    {
        server_thread server(echo);
        REQUIRE(server.listen_unix(path, 0660).has_value());
        struct stat about = {};
        REQUIRE(::stat(path.c_str(), &about) == 0);
        CHECK((about.st_mode & 0777) == 0660);
        server.start();
        raw_connection peer(path);
        const auto expected = " uid=" + std::to_string(::getuid()) + " pid=" + std::to_string(::getpid());
        CHECK(peer.exchange(raw_request("GET", "/me")).body == "GET /me" + expected + " ");
    }
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a socket file is replaced only where nobody answers on it", "[http]") {
    temporary_folder folder;
    const auto path = folder.path / "socket";
    server_thread first(echo);
    REQUIRE(first.listen_unix(path, 0600).has_value());
    first.start();
    server_thread second(echo);
    const auto refused = second.listen_unix(path, 0600);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == errc::state_conflict);

    // What a killed process leaves behind: the file, and nobody listening.
    const auto stale = folder.path / "stale";
    std::filesystem::create_hard_link(path, stale);
    first.stop(std::chrono::milliseconds(0));
    first.join();
    REQUIRE(std::filesystem::exists(stale));
    CHECK(second.listen_unix(stale, 0600).has_value());

    std::ofstream(folder.path / "file") << "precious";
    const auto no_socket = second.listen_unix(folder.path / "file", 0600);
    REQUIRE_FALSE(no_socket.has_value());
    CHECK(no_socket.error().code == errc::state_conflict);
    CHECK(std::filesystem::file_size(folder.path / "file") == 8);
    second.start();
}

TEST_CASE("connections break on purpose where a handler says so", "[http]") {
    SECTION("before the request is read") {
        server_thread server(cut_before_reading);
        raw_connection peer(started(server));
        CHECK(peer.exchange(raw_request("POST", "/", "body")).status == 0);
    }
    SECTION("in the middle of the reply") {
        server_thread server(cut_in_the_middle);
        raw_connection peer(started(server));
        const auto reply = peer.exchange(raw_request("GET", "/"));
        CHECK(reply.status == 200);
        CHECK_FALSE(reply.complete);
        CHECK(reply.body.size() <= 1000);
    }
}

TEST_CASE("a handler that throws harms its own request only", "[http]") {
    server_thread server(fail);
    raw_connection peer(started(server));
    CHECK(peer.exchange(raw_request("GET", "/")).status == 500);
    CHECK(peer.exchange(raw_request("GET", "/")).status == 500);
}

TEST_CASE("a long reply notices that its peer went away", "[http]") {
    std::promise<void> entered;
    std::promise<bool> left;
    server_thread server(waiting_handler{&entered, &left});
    const auto port = started(server);
    {
        raw_connection peer(port);
        peer.send(raw_request("GET", "/"));
        entered.get_future().wait();
    }
    CHECK(left.get_future().get());
}

TEST_CASE("a stopped server closes idle connections and lets a running reply end", "[http]") {
    std::promise<void> entered;
    std::promise<bool> left;
    server_thread server(waiting_handler{&entered, &left});
    const auto port = started(server);
    raw_connection idle(port);
    auto peer = std::make_unique<raw_connection>(port);
    peer->send(raw_request("GET", "/"));
    entered.get_future().wait();
    server.stop(std::chrono::hours(1));
    CHECK(idle.ended());
    peer.reset();
    CHECK(left.get_future().get());
    server.join();
    CHECK_THROWS(raw_connection(port));
}

TEST_CASE("a handler that outlives the grace is cancelled", "[http]") {
    std::promise<void> entered;
    std::promise<bool> left;
    server_thread server(waiting_handler{&entered, &left});
    raw_connection peer(started(server));
    peer.send(raw_request("GET", "/"));
    entered.get_future().wait();
    server.stop(std::chrono::milliseconds(1));
    server.join();
    SUCCEED("serve() returned");
}

TEST_CASE("a silent peer is let go", "[http]") {
    http::server_options options;
    options.idle_deadline = std::chrono::milliseconds(20);
    server_thread server(echo, options);
    raw_connection peer(started(server));
    CHECK(peer.ended());
}
