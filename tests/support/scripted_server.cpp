// SPDX-License-Identifier: Apache-2.0
#include "tests/support/scripted_server.hpp"

#include "core/overloaded.hpp"
#include "daemon/http/socket_stream.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace enrichd::test {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using http::byte_stream;

namespace {

constexpr auto reported = asio::as_tuple(asio::use_awaitable);

class tls_server_stream final : public byte_stream {
public:
    tls_server_stream(tcp::socket socket, ssl::context& context) : stream_(std::move(socket), context) {}

    asio::awaitable<bool> handshake() {
        const auto [ec] = co_await stream_.async_handshake(ssl::stream_base::server, reported);
        co_return !ec;
    }
    asio::awaitable<result<std::size_t>> read_some(std::span<char> into) override {
        const auto [ec, n] =
            co_await stream_.async_read_some(asio::buffer(into.data(), into.size()), reported);
        if (ec) co_return error{errc::io, ec.message()};
        co_return n;
    }
    asio::awaitable<result<void>> write(std::span<const char> bytes) override {
        const auto [ec, n] =
            co_await asio::async_write(stream_, asio::buffer(bytes.data(), bytes.size()), reported);
        if (ec) co_return error{errc::io, ec.message()};
        co_return result<void>{};
    }
    void close() noexcept override {
        boost::system::error_code ignored;
        stream_.next_layer().close(ignored);
    }

private:
    ssl::stream<tcp::socket> stream_;
};

std::shared_ptr<ssl::context> make_server_context(const tls_identity& identity) {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
    context->use_certificate_chain_file(identity.certificate_file);
    context->use_private_key_file(identity.key_file, ssl::context::pem);
    if (identity.only_tls_1_1) {
        SSL_CTX_set_cipher_list(context->native_handle(), "ALL:@SECLEVEL=0");
        SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_VERSION);
        SSL_CTX_set_max_proto_version(context->native_handle(), TLS1_1_VERSION);
    }
    return context;
}

std::uint64_t content_length(const std::string& head) {
    const std::string name = "\r\nContent-Length: ";
    const auto at = head.find(name);
    return at == head.npos ? 0 : std::stoull(head.substr(at + name.size()));
}

// Reads one request; what belongs to the next one is not expected. False if the client ended instead.
asio::awaitable<bool> read_request(byte_stream& stream, bool with_body, bool keep_body, std::string& request,
                                   std::uint64_t& body_bytes) {
    std::vector<char> buffer(64 * 1024);
    std::size_t head_end = std::string::npos;
    while (head_end == std::string::npos) {
        auto n = co_await stream.read_some(buffer);
        if (!n || *n == 0) co_return false;
        request.append(buffer.data(), *n);
        head_end = request.find("\r\n\r\n");
    }
    body_bytes = request.size() - head_end - 4;
    const auto length = with_body ? content_length(request) : 0;
    while (body_bytes < length) {
        auto n = co_await stream.read_some(buffer);
        if (!n || *n == 0) co_return false;
        body_bytes += *n;
        if (keep_body) request.append(buffer.data(), *n);
    }
    co_return true;
}

asio::awaitable<bool> write_times(byte_stream& stream, const std::string& bytes, std::size_t times) {
    for (std::size_t i = 0; i < times; ++i)
        if (auto done = co_await stream.write(bytes); !done) co_return false;
    co_return true;
}

asio::awaitable<void> read_bytes(byte_stream& stream, std::size_t count) {
    std::vector<char> buffer(count);
    while (count > 0) {
        auto n = co_await stream.read_some(std::span(buffer).first(count));
        if (!n || *n == 0) co_return;
        count -= *n;
    }
}

asio::awaitable<void> wait_for_end(byte_stream& stream) {
    std::array<char, 4096> buffer;
    for (;;) {
        auto n = co_await stream.read_some(buffer);
        if (!n || *n == 0) co_return;
    }
}

} // namespace

struct scripted_server::listener {
    explicit listener(asio::io_context& io) : tcp(io), local(io) {}

    asio::ip::tcp::acceptor tcp;
    asio::local::stream_protocol::acceptor local;
    std::shared_ptr<ssl::context> tls;

    asio::awaitable<std::unique_ptr<byte_stream>> accept() {
        if (local.is_open()) {
            auto [ec, socket] = co_await local.async_accept(reported);
            if (ec) co_return nullptr;
            co_return http::make_stream(std::move(socket));
        }
        auto [ec, socket] = co_await tcp.async_accept(reported);
        if (ec) co_return nullptr;
        if (!tls) co_return http::make_stream(std::move(socket));
        auto stream = std::make_unique<tls_server_stream>(std::move(socket), *tls);
        co_await stream->handshake(); // a client that refuses us shows at the first read
        co_return stream;
    }
};

std::string answer(int status, const std::string& body, const std::string& more_headers) {
    return fmt::format("HTTP/1.1 {} Whatever\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(),
                       more_headers, body);
}

scripted_server::scripted_server(asio::io_context& io, std::vector<script> scripts,
                                 std::optional<tls_identity> tls)
    : scripts_(std::move(scripts)), listener_(std::make_shared<listener>(io)) {
    const tcp::endpoint here(asio::ip::address_v4::loopback(), 0);
    listener_->tcp.open(here.protocol());
    listener_->tcp.bind(here);
    listener_->tcp.listen();
    if (tls) listener_->tls = make_server_context(*tls);
    asio::co_spawn(io, accept_all(), [](std::exception_ptr) {});
}

scripted_server::scripted_server(asio::io_context& io, std::vector<script> scripts,
                                 const std::string& socket_path)
    : scripts_(std::move(scripts)), listener_(std::make_shared<listener>(io)) {
    listener_->local.open();
    listener_->local.bind(socket_path);
    listener_->local.listen();
    asio::co_spawn(io, accept_all(), [](std::exception_ptr) {});
}

// The io_context must not run after this; its own end destroys what still waits.
scripted_server::~scripted_server() = default;

std::uint16_t scripted_server::port() const {
    return listener_->tcp.local_endpoint().port();
}

asio::awaitable<void> scripted_server::accept_all() {
    const auto executor = co_await asio::this_coro::executor;
    for (;;) {
        auto stream = co_await listener_->accept();
        if (!stream) co_return;
        const auto number = connections++;
        script lines = number < scripts_.size() ? scripts_[number] : script{};
        asio::co_spawn(executor, play(std::move(stream), std::move(lines)), [](std::exception_ptr) {});
    }
}

asio::awaitable<void> scripted_server::play(std::unique_ptr<byte_stream> stream, script lines) {
    for (const auto& line : lines) {
        if (const auto* s = std::get_if<step::send>(&line)) {
            if (!co_await write_times(*stream, s->bytes, 1)) break;
        } else if (const auto* m = std::get_if<step::send_times>(&line)) {
            if (!co_await write_times(*stream, m->bytes, m->times)) break;
        } else if (const auto* d = std::get_if<step::drip>(&line)) {
            std::size_t i = 0;
            while (co_await write_times(*stream, d->bytes.substr(i % d->bytes.size(), 1), 1))
                ++i;
        } else if (std::holds_alternative<step::hold>(line)) {
            asio::steady_timer never(co_await asio::this_coro::executor,
                                     asio::steady_timer::time_point::max());
            co_await never.async_wait(asio::use_awaitable);
        } else if (std::holds_alternative<step::wait_for_end>(line)) {
            co_await wait_for_end(*stream);
        } else if (const auto* r = std::get_if<step::read_bytes>(&line)) {
            co_await read_bytes(*stream, r->count);
        } else if (const auto* t = std::get_if<step::then>(&line)) {
            t->call();
        } else {
            const bool with_body = !std::holds_alternative<step::read_head>(line);
            const bool keep_body = std::holds_alternative<step::read_request>(line);
            std::string request;
            std::uint64_t bytes = 0;
            if (!co_await read_request(*stream, with_body, keep_body, request, bytes)) break;
            requests.push_back(std::move(request));
            body_bytes.push_back(bytes);
        }
    }
    stream->close();
    ++connections_closed;
}

} // namespace enrichd::test
