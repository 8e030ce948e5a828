// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/socket_stream.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

namespace enrichd::http {

namespace asio = boost::asio;

namespace {

template <class Socket>
class socket_stream final : public byte_stream {
public:
    explicit socket_stream(Socket socket) : socket_(std::move(socket)) {}

    awaitable<result<std::size_t>> read_some(std::span<char> into) override {
        const auto [ec, n] =
            co_await socket_.async_read_some(asio::buffer(into.data(), into.size()), reported);
        if (ec == asio::error::eof) co_return std::size_t{0};
        if (ec) co_return stream_error("read", ec);
        co_return n;
    }

    awaitable<result<void>> write(std::span<const char> bytes) override {
        const auto [ec, n] =
            co_await asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()), reported);
        if (ec) co_return stream_error("write", ec);
        co_return result<void>{};
    }

    void close() noexcept override {
        boost::system::error_code ignored;
        socket_.close(ignored);
    }

private:
    Socket socket_;
};

} // namespace

error stream_error(const char* doing, const boost::system::error_code& ec) {
    if (ec == asio::error::operation_aborted) return {errc::cancelled, "cancelled"};
    return {errc::io, fmt::format("{}: {}", doing, ec.message())};
}

std::unique_ptr<byte_stream> make_stream(asio::ip::tcp::socket socket) {
    boost::system::error_code ignored; // a peer that is gone already shows at the first read
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    return std::make_unique<socket_stream<asio::ip::tcp::socket>>(std::move(socket));
}

std::unique_ptr<byte_stream> make_stream(asio::local::stream_protocol::socket socket) {
    return std::make_unique<socket_stream<asio::local::stream_protocol::socket>>(std::move(socket));
}

} // namespace enrichd::http
