// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/client.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/temp_folder.hpp"

#include <fmt/format.h>

using namespace enrichd;
using namespace enrichd::test;

namespace {

result<http::response> get_over_tls(const tls_identity& identity, const std::string& host,
                                    std::optional<std::string> ca_file, std::size_t& requests_seen) {
    boost::asio::io_context io;
    scripted_server server(io, {{step::read_request{}, step::send{answer(200, "over TLS")}}}, identity);
    http::client client({.server = *http::parse_base_url(fmt::format("https://{}:{}", host, server.port())),
                         .ca_file = std::move(ca_file)});
    auto r = run(io, client.send({.target = "/v1/models"}));
    requests_seen = server.requests.size();
    return r;
}

} // namespace

TEST_CASE("a certificate of a known authority for the right host is accepted", "[http][tls]") {
    temp_folder folder;
    authority ca(folder.path());
    std::size_t seen = 0;
    for (const char* host : {"localhost", "127.0.0.1"}) {
        CAPTURE(host);
        auto r = get_over_tls(ca.issue("good"), host, ca.ca_file(), seen);
        REQUIRE(r);
        CHECK(r->body == "over TLS");
    }
}

TEST_CASE("any other certificate is refused before a byte is sent, with the reason", "[http][tls]") {
    temp_folder folder;
    authority ca(folder.path());
    struct refusal {
        certificate_order order;
        const char* host;
        bool with_ca;
        const char* reason;
    };
    const refusal cases[] = {
        {{.subject_alt_name = "DNS:example.org"}, "localhost", true, "hostname mismatch"},
        {{.subject_alt_name = "DNS:localhost"}, "127.0.0.1", true, "IP address mismatch"},
        {{.subject_alt_name = "DNS:127.0.0.1"}, "127.0.0.1", true, "IP address mismatch"},
        {{.subject_alt_name = "DNS:*"}, "localhost", true, "hostname mismatch"},
        {{.valid_from_days = -10, .valid_to_days = -1}, "localhost", true, "certificate has expired"},
        {{.valid_from_days = 5}, "localhost", true, "certificate is not yet valid"},
        {{.self_signed = true}, "localhost", true, "self-signed certificate"},
        {{}, "localhost", false, "unable to get local issuer certificate"},
    };
    for (const auto& c : cases) {
        CAPTURE(c.reason);
        std::size_t seen = 1;
        auto r = get_over_tls(ca.issue("bad", c.order), c.host,
                              c.with_ca ? std::optional(ca.ca_file()) : std::nullopt, seen);
        REQUIRE_FALSE(r);
        CHECK(r.error().code == errc::unavailable);
        INFO(r.error().detail);
        CHECK(r.error().detail.find(c.reason) != std::string::npos);
        CHECK(seen == 0);
    }
}

TEST_CASE("TLS 1.1 is refused", "[http][tls]") {
    temp_folder folder;
    authority ca(folder.path());
    auto identity = ca.issue("old");
    identity.only_tls_1_1 = true;
    std::size_t seen = 1;
    auto r = get_over_tls(identity, "localhost", ca.ca_file(), seen);
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::unavailable);
    INFO(r.error().detail);
    CHECK(r.error().detail.find("version") != std::string::npos);
    CHECK(seen == 0);
}

TEST_CASE("a server that speaks no TLS is refused", "[http][tls]") {
    boost::asio::io_context io;
    scripted_server server(io, {{step::send{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}}});
    http::client client(
        {.server = *http::parse_base_url(fmt::format("https://localhost:{}", server.port()))});
    auto r = run(io, client.send({.target = "/"}));
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::unavailable);
}

TEST_CASE("a server that never answers the handshake meets the deadline of connecting", "[http][tls]") {
    boost::asio::io_context io;
    scripted_server server(io, {{step::wait_for_end{}}});
    http::client client({.server = *http::parse_base_url(fmt::format("https://localhost:{}", server.port())),
                         .limits = {.connect = std::chrono::milliseconds(30)}});
    auto r = run(io, client.send({.target = "/"}));
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::unavailable);
    CHECK(r.error().detail.find("not done within") != std::string::npos);
}

TEST_CASE("a body that ends without close_notify and without a length is cut off", "[http][tls]") {
    temp_folder folder;
    authority ca(folder.path());
    boost::asio::io_context io;
    scripted_server server(io, {{step::read_request{}, step::send{"HTTP/1.1 200 OK\r\n\r\nhalf of it"}}},
                           ca.issue("good"));
    http::client client({.server = *http::parse_base_url(fmt::format("https://localhost:{}", server.port())),
                         .ca_file = ca.ca_file()});
    auto r = run(io, client.send({.target = "/"}));
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::io);
    CHECK(r.error().detail.find("cut") != std::string::npos);
}

TEST_CASE("a CA file that holds no certificate is refused at once, by name", "[http][tls]") {
    temp_folder folder;
    write_file(folder / "ca.pem", "this is no certificate");
    for (const auto& path : {(folder / "ca.pem").string(), (folder / "absent.pem").string()}) {
        const http::client_settings settings{.server = *http::parse_base_url("https://localhost"),
                                             .ca_file = path};
        try {
            http::client client(settings);
            FAIL("accepted");
        } catch (const fatal_error& e) {
            CHECK(std::string(e.what()).find(path) != std::string::npos);
        }
    }
}
