// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/connector.hpp"

#include "daemon/http/socket_stream.hpp"
#include "daemon/http/tls_stream.hpp"
#include "daemon/resolve.hpp"
#include "daemon/with_timeout.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace enrichd::http {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

namespace {

using clock = std::chrono::steady_clock;
using limit_t = std::optional<std::chrono::milliseconds>;
limit_t left_until(std::optional<clock::time_point> end, std::size_t shares = 1) {
    if (!end) return std::nullopt;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*end - clock::now());
    return left / static_cast<std::int64_t>(shares);
}

template <class Socket, class Endpoint>
awaitable<result<Socket>> open_socket(Endpoint to) {
    Socket socket(co_await asio::this_coro::executor);
    const auto [ec] = co_await socket.async_connect(to, reported);
    if (ec) co_return stream_error("connect", ec);
    co_return socket;
}

error unreachable(const std::string& whom, const error& why) {
    if (why.code == errc::cancelled) return why;
    return {errc::unavailable, fmt::format("cannot connect to {}: {}", whom, why.detail)};
}

class tcp_connector final : public connector {
public:
    tcp_connector(endpoint where, std::shared_ptr<asio::ssl::context> tls)
        : where_(std::move(where)), tls_(std::move(tls)) {}

    awaitable<result<std::unique_ptr<byte_stream>>> connect(limit_t limit) override {
        std::optional<clock::time_point> end;
        if (limit) end = clock::now() + *limit;
        auto socket = co_await connect_any(end);
        if (!socket) co_return unreachable(where_.authority, socket.error());
        if (!tls_) co_return make_stream(std::move(*socket));
        auto stream = co_await with_timeout(left_until(end), "TLS handshake",
                                            start_tls(std::move(*socket), tls_, where_.host));
        if (!stream) co_return unreachable(where_.authority, stream.error());
        co_return std::move(*stream);
    }

private:
    // Each address gets its share of the time, so that a black hole among them does not use it all up.
    awaitable<result<tcp::socket>> connect_any(std::optional<clock::time_point> end) {
        auto addresses = co_await resolve(where_.host, where_.port, left_until(end));
        if (!addresses) co_return addresses.error();
        if (!tls_) std::erase_if(*addresses, [](const auto& to) { return !to.address().is_loopback(); });
        error last{errc::io, "the name has no address"};
        for (std::size_t i = 0; i < addresses->size(); ++i) {
            auto socket = co_await with_timeout(left_until(end, addresses->size() - i), "connect",
                                                open_socket<tcp::socket>((*addresses)[i]));
            if (socket || socket.error().code == errc::cancelled) co_return socket;
            last = socket.error();
        }
        co_return last;
    }

    endpoint where_;
    std::shared_ptr<asio::ssl::context> tls_;
};

class unix_connector final : public connector {
public:
    explicit unix_connector(std::string path) : path_(std::move(path)) {}

    awaitable<result<std::unique_ptr<byte_stream>>> connect(limit_t limit) override {
        using protocol = asio::local::stream_protocol;
        if (path_.empty() || path_.size() > 107) // sun_path, unix(7)
            co_return error{errc::unavailable,
                            fmt::format("cannot connect to '{}': a socket's path has 1 to 107 bytes", path_)};
        auto socket =
            co_await with_timeout(limit, "connect", open_socket<protocol::socket>(protocol::endpoint(path_)));
        if (!socket) co_return unreachable(path_, socket.error());
        co_return make_stream(std::move(*socket));
    }

private:
    std::string path_;
};

} // namespace

std::unique_ptr<connector> make_connector(endpoint where, const std::optional<std::string>& ca_file) {
    if (where.via == transport::unix_socket) return std::make_unique<unix_connector>(std::move(where.host));
    auto tls = where.via == transport::tls ? make_tls_context(ca_file) : nullptr;
    return std::make_unique<tcp_connector>(std::move(where), std::move(tls));
}

} // namespace enrichd::http
