// The live client against a server that plays scripts.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/provider/live_client.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/scripted_server.hpp"

#include <boost/asio/thread_pool.hpp>
#include <fmt/format.h>

#include <chrono>
#include <string>
#include <vector>

namespace enrichd::test {

inline constexpr auto key = "sk-test-0123456789abcdef";

inline provider::settings settings_for(const scripted_server& server) {
    provider::settings s;
    s.base_url = fmt::format("http://127.0.0.1:{}/v1", server.port());
    s.api_key = key;
    s.tries = 3;
    s.first_retry_wait = std::chrono::milliseconds(1);
    s.longest_retry_wait = std::chrono::milliseconds(2);
    s.jitter_seed = 1;
    return s;
}

struct provider_talk {
    explicit provider_talk(std::vector<script> scripts)
        : server(io, std::move(scripts)), client(pool.get_executor(), settings_for(server)) {}

    template <class T>
    T operator()(boost::asio::awaitable<T> call) {
        return run(io, std::move(call));
    }
    std::string first_line(std::size_t request) const {
        const auto& r = server.requests.at(request);
        return r.substr(0, r.find("\r\n"));
    }
    std::string body(std::size_t request) const {
        const auto& r = server.requests.at(request);
        return r.substr(r.find("\r\n\r\n") + 4);
    }

    boost::asio::io_context io;
    boost::asio::thread_pool pool{1};
    scripted_server server;
    provider::live_client client;
};

inline script reply(const std::string& bytes) {
    return {step::read_request{}, step::send{bytes}};
}
inline script success(const std::string& body) {
    return reply(answer(200, body, "Connection: close\r\n"));
}
inline script failure(int status, const std::string& headers = "") {
    return reply(answer(status, R"({"error":{"message":"why","code":"the_code"}})",
                        "Connection: close\r\n" + headers));
}

} // namespace enrichd::test
