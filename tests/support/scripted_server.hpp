// A server that does, connection by connection, exactly what a test tells it to.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/http/byte_stream.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace enrichd::test {

/// Runs op on io until it is done, and returns its value.
template <class T>
T run(boost::asio::io_context& io, boost::asio::awaitable<T> op) {
    std::optional<T> value;
    std::exception_ptr thrown;
    boost::asio::co_spawn(io, std::move(op), [&](std::exception_ptr e, T v) {
        thrown = e;
        value.emplace(std::move(v));
    });
    io.restart();
    while (!value)
        io.run_one();
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*value);
}

namespace step {
struct read_request {};    ///< head and body; the whole of it is recorded
struct swallow_request {}; ///< the same, but only the length of the body is recorded
struct read_head {};       ///< the head alone; the body is left unread
struct read_bytes {        ///< so many bytes of what comes, or all of it if that is less
    std::size_t count;
};
struct send {
    std::string bytes;
};
struct send_times {
    std::string bytes;
    std::size_t times;
};
struct drip {
    std::string bytes;
};                      ///< byte by byte, again and again, until the client has gone
struct hold {};         ///< neither reads nor writes any more
struct wait_for_end {}; ///< until the client has gone
struct then {
    std::function<void()> call;
};
} // namespace step

using step_type =
    std::variant<step::read_request, step::swallow_request, step::read_head, step::send, step::send_times,
                 step::read_bytes, step::drip, step::hold, step::wait_for_end, step::then>;

/// What one connection sees; at the end the server closes it.
using script = std::vector<step_type>;

/// A whole answer with a Content-Length.
std::string answer(int status, const std::string& body, const std::string& more_headers = "");

/// Certificate and key of a TLS server, PEM files.
struct tls_identity {
    std::string certificate_file;
    std::string key_file;
    bool only_tls_1_1 = false;
};

/// Listens on 127.0.0.1 or a Unix socket, and plays one script a connection, in order. A connection too many
/// is closed at once, and counted.
class scripted_server {
public:
    scripted_server(boost::asio::io_context& io, std::vector<script> scripts,
                    std::optional<tls_identity> tls = std::nullopt);
    scripted_server(boost::asio::io_context& io, std::vector<script> scripts, const std::string& socket_path);
    ~scripted_server();
    scripted_server(const scripted_server&) = delete;
    scripted_server& operator=(const scripted_server&) = delete;

    std::uint16_t port() const;

    std::vector<std::string> requests;     ///< as they came, head and body
    std::vector<std::uint64_t> body_bytes; ///< of each request
    std::size_t connections = 0;
    std::size_t connections_closed = 0; ///< played to the end

private:
    struct listener;

    boost::asio::awaitable<void> accept_all();
    boost::asio::awaitable<void> play(std::unique_ptr<http::byte_stream> stream, script lines);

    std::vector<script> scripts_;
    std::shared_ptr<listener> listener_;
};

} // namespace enrichd::test
