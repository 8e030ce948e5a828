// Base URLs: what is taken is one place, written anew it is the same place, and nothing of it breaks out of
// the head of a request.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/endpoint.hpp"

#include <algorithm>
#include <string>

#include "daemon/http/exchange.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto url = fuzz::text_of(data, size);
    const auto e = http::parse_base_url(url);
    if (!e) {
        fuzz::require(e.error().code == errc::invalid_input, "a wrong URL is invalid input");
        fuzz::require(fuzz::is_presentable(e.error().detail), "complaints can be shown");
        return 0;
    }
    const bool tls = e->via == http::transport::tls;
    fuzz::require(!e->host.empty() && !e->authority.empty(), "a host is named");
    fuzz::require(std::all_of(e->port.begin(), e->port.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
                      std::stoi(e->port) >= 1 && std::stoi(e->port) <= 65535,
                  "a port is a number");
    fuzz::require(e->base_path.empty() || (e->base_path.front() == '/' && e->base_path.back() != '/'),
                  "a path begins with a slash and does not end so");

    const auto again = http::parse_base_url((tls ? "https://" : "http://") + e->authority + e->base_path);
    fuzz::require(again && again->host == e->host && again->port == e->port && again->via == e->via &&
                      again->authority == e->authority && again->base_path == e->base_path,
                  "written anew it is the same place");

    http::request r;
    r.target = "/batches";
    const auto head = http::make_head(r, *e);
    fuzz::require(head.has_value(), "a head can be made for it");
    fuzz::require(std::count(head->begin(), head->end(), '\n') ==
                      std::count(head->begin(), head->end(), '\r'),
                  "its lines end as lines do");
    fuzz::require(head->starts_with("GET " + e->base_path + "/batches HTTP/1.1\r\n"),
                  "its target is one word");
    fuzz::require(fuzz::has_no_controls(*head, "\r\n"), "and nothing breaks out of a line");
    return 0;
}
