// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/endpoint.hpp"

#include "core/json_edge.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace enrichd::http {

namespace urls = boost::urls;

namespace {

error refused(std::string why) {
    return {errc::invalid_input, "base_url: " + std::move(why)};
}

bool is_loopback(const urls::url_view& url) {
    switch (url.host_type()) {
    case urls::host_type::ipv4: return url.host_ipv4_address().is_loopback();
    case urls::host_type::ipv6: return url.host_ipv6_address().is_loopback();
    default: break;
    }
    std::string name = url.host_name();
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return name == "localhost";
}

result<std::string> read_port(const urls::url_view& url, bool tls) {
    const std::string digits = url.port();
    if (digits.empty()) return std::string(tls ? "443" : "80");
    unsigned number = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (ec != std::errc{} || end != digits.data() + digits.size() || number == 0 || number > 65535)
        return refused(fmt::format("'{}' is not a port; expected 1 to 65535", safe_excerpt(digits, 40)));
    return std::to_string(number);
}

result<void> check_parts(const urls::url_view& url) {
    if (url.scheme() != "https" && url.scheme() != "http")
        return refused("expected https://HOST/PATH, or http://127.0.0.1:PORT/PATH");
    if (url.has_userinfo()) return refused("holds a user name; keys go into api_key_file, not into the URL");
    if (url.has_query()) return refused("holds a query ('?...'); leave it out");
    if (url.has_fragment()) return refused("holds a fragment ('#...'); leave it out");
    if (!url.has_authority() || url.host().empty())
        return refused("names no host; expected https://HOST/PATH");
    // An escape may stand for anything; a name that is resolved and put into a certificate's check may not.
    const std::string host = url.host();
    if (std::any_of(host.begin(), host.end(), [](char c) { return c <= ' ' || c > '~'; }))
        return refused("the host holds what no host's name does; expected letters, digits, dots and hyphens");
    // Boost.URL 1.81 reads "127.0.0.1.example" as the address 127.0.0.1 with the path ".example".
    if (const auto path = url.encoded_path(); !path.empty() && path.front() != '/')
        return refused("the host begins like an IPv4 address and is none; use another name for it");
    return {};
}

} // namespace

result<endpoint> parse_base_url(std::string_view text) {
    const auto parsed = urls::parse_uri({text.data(), text.size()});
    if (!parsed) return refused("is no URL; expected something like https://api.openai.com/v1");
    const urls::url_view& url = *parsed;
    if (auto fine = check_parts(url); !fine) return fine.error();

    const bool tls = url.scheme() == "https";
    if (!tls && !is_loopback(url))
        return refused(fmt::format("plain http would send the key and the texts readable to '{}'; "
                                   "use https (http is for 127.0.0.1, ::1 and localhost)",
                                   safe_excerpt(std::string(url.host()))));
    auto port = read_port(url, tls);
    if (!port) return port.error();

    endpoint e;
    e.via = tls ? transport::tls : transport::plain;
    e.host = url.host_address(); // without the brackets of an IPv6 literal
    e.port = *port;
    e.authority = std::string(url.encoded_host());
    if (e.port != (tls ? "443" : "80")) e.authority += ":" + e.port;
    e.base_path = std::string(url.encoded_path());
    while (!e.base_path.empty() && e.base_path.back() == '/')
        e.base_path.pop_back();
    return e;
}

endpoint unix_endpoint(std::string path) {
    return {transport::unix_socket, std::move(path), "", "localhost", ""};
}

} // namespace enrichd::http
