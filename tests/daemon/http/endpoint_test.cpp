// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/endpoint.hpp"

#include "tests/support/catch.hpp"

#include <string>
#include <utility>

using namespace enrichd;
using http::parse_base_url;

TEST_CASE("a base URL is taken apart into what connecting needs", "[http][endpoint]") {
    auto e = parse_base_url("https://api.openai.com/v1");
    REQUIRE(e);
    CHECK(e->via == http::transport::tls);
    CHECK(e->host == "api.openai.com");
    CHECK(e->port == "443");
    CHECK(e->authority == "api.openai.com");
    CHECK(e->base_path == "/v1");
}

TEST_CASE("a port is named in the Host header unless it is the scheme's own", "[http][endpoint]") {
    CHECK(parse_base_url("http://127.0.0.1:8080/v1/")->authority == "127.0.0.1:8080");
    CHECK(parse_base_url("https://example.org:443")->authority == "example.org");
    CHECK(parse_base_url("http://localhost:80")->authority == "localhost");
    CHECK(parse_base_url("http://localhost:443")->authority == "localhost:443");
    CHECK(parse_base_url("https://example.org:0443")->port == "443");
}

TEST_CASE("an IPv6 literal has brackets in the Host header and none for the resolver", "[http][endpoint]") {
    auto e = parse_base_url("http://[::1]:8080/v1");
    REQUIRE(e);
    CHECK(e->host == "::1");
    CHECK(e->authority == "[::1]:8080");
    CHECK(e->via == http::transport::plain);
}

TEST_CASE("a slash at the end of the base path is not doubled later", "[http][endpoint]") {
    CHECK(parse_base_url("https://example.org/openai/v1//")->base_path == "/openai/v1");
    CHECK(parse_base_url("https://example.org/")->base_path.empty());
    CHECK(parse_base_url("https://example.org")->base_path.empty());
}

TEST_CASE("plain http goes to this machine alone", "[http][endpoint]") {
    for (const char* url :
         {"http://127.0.0.1/", "http://127.9.9.9:1/", "http://[::1]/", "http://LocalHost:8080/v1"}) {
        CAPTURE(url);
        CHECK(parse_base_url(url));
    }
    for (const char* url : {"http://api.openai.com/v1", "http://128.0.0.1/", "http://0.0.0.0/",
                            "http://[::2]/", "http://[::ffff:10.0.0.1]/", "http://localhost.example.org/"}) {
        CAPTURE(url);
        auto e = parse_base_url(url);
        REQUIRE_FALSE(e);
        CHECK(e.error().code == errc::invalid_input);
        CHECK(e.error().detail.find("use https") != std::string::npos);
    }
}

TEST_CASE("a name that begins like an address is never taken for the address", "[http][endpoint]") {
    const auto e = parse_base_url("https://127.0.0.1.example/v1");
    if (e) { // Boost 1.83 and newer; 1.81 would read the address, so there it is refused
        CHECK(e->host == "127.0.0.1.example");
    } else {
        CHECK(e.error().detail.find("begins like an IPv4 address") != std::string::npos);
    }
}

TEST_CASE("what has no place in a base URL is refused by name, and a password is not repeated",
          "[http][endpoint]") {
    const std::pair<const char*, const char*> cases[] = {
        {"https://user:hunter2@example.org/v1", "user name"},
        {"https://example.org/v1?api-version=1", "query"},
        {"https://example.org/v1#x", "fragment"},
        {"https:///v1", "no host"},
        {"https://example.org:99999/v1", "not a port"},
        {"https://example.org:0/v1", "not a port"},
        {"ftp://example.org/", "expected https://"},
        {"api.openai.com/v1", "is no URL"},
        {"https://exa mple.org/", "is no URL"},
        {"", "is no URL"},
    };
    for (const auto& [url, why] : cases) {
        CAPTURE(url, why);
        auto e = parse_base_url(url);
        REQUIRE_FALSE(e);
        CHECK(e.error().code == errc::invalid_input);
        INFO(e.error().detail);
        CHECK(e.error().detail.find(why) != std::string::npos);
        CHECK(e.error().detail.find("hunter2") == std::string::npos);
    }
}
