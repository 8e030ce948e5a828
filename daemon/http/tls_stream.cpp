// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/tls_stream.hpp"

#include "daemon/http/socket_stream.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace enrichd::http {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;

namespace {

class tls_stream final : public byte_stream {
public:
    tls_stream(asio::ip::tcp::socket socket, std::shared_ptr<ssl::context> context)
        : context_(std::move(context)), stream_(std::move(socket), *context_) {}

    // Says whom we expect. OpenSSL checks nothing of this unless it is told.
    result<void> expect(const std::string& host) {
        SSL* handle = stream_.native_handle();
        boost::system::error_code not_an_address;
        asio::ip::make_address(host, not_an_address);
        bool set = false;
        if (not_an_address) {
            SSL_set_hostflags(handle, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
            set = SSL_set1_host(handle, host.c_str()) == 1 &&
                  SSL_set_tlsext_host_name(handle, host.c_str()) == 1;
        } else {
            set = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(handle), host.c_str()) == 1;
        }
        if (!set) return error{errc::io, fmt::format("TLS: cannot verify the host name '{}'", host)};
        return {};
    }

    awaitable<result<void>> handshake() {
        const auto [ec] = co_await stream_.async_handshake(ssl::stream_base::client, reported);
        if (!ec) co_return result<void>{};
        if (ec == asio::error::operation_aborted) co_return stream_error("TLS handshake", ec);
        const long verdict = SSL_get_verify_result(stream_.native_handle());
        if (verdict == X509_V_OK) co_return stream_error("TLS handshake", ec);
        co_return error{errc::io, fmt::format("TLS handshake: the server's certificate is refused: {}",
                                              X509_verify_cert_error_string(verdict))};
    }

    awaitable<result<std::size_t>> read_some(std::span<char> into) override {
        const auto [ec, n] =
            co_await stream_.async_read_some(asio::buffer(into.data(), into.size()), reported);
        if (ec == asio::error::eof) co_return std::size_t{0};
        if (ec == ssl::error::stream_truncated)
            co_return error{errc::io, "read: the connection was cut (no TLS close_notify)"};
        if (ec) co_return stream_error("read", ec);
        co_return n;
    }

    awaitable<result<void>> write(std::span<const char> bytes) override {
        const auto [ec, n] =
            co_await asio::async_write(stream_, asio::buffer(bytes.data(), bytes.size()), reported);
        if (ec) co_return stream_error("write", ec);
        co_return result<void>{};
    }

    void close() noexcept override {
        boost::system::error_code ignored;
        stream_.next_layer().close(ignored);
    }

private:
    std::shared_ptr<ssl::context> context_; // outlives the stream made from it
    ssl::stream<asio::ip::tcp::socket> stream_;
};

} // namespace

std::shared_ptr<ssl::context> make_tls_context(const std::optional<std::string>& ca_file) {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
    context->set_verify_mode(ssl::verify_peer);
    boost::system::error_code ec;
    context->set_default_verify_paths(ec);
    if (ec) throw fatal_error(errc::io, fmt::format("TLS: the system's CA certificates: {}", ec.message()));
    if (!ca_file) return context;
    context->load_verify_file(*ca_file, ec);
    if (ec)
        throw fatal_error(
            errc::invalid_input,
            fmt::format("{}: no CA certificate in PEM form can be read from it: {}", *ca_file, ec.message()));
    return context;
}

awaitable<result<std::unique_ptr<byte_stream>>> start_tls(asio::ip::tcp::socket socket,
                                                          std::shared_ptr<ssl::context> context,
                                                          std::string host) {
    boost::system::error_code ignored;
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    auto stream = std::make_unique<tls_stream>(std::move(socket), std::move(context));
    if (auto ready = stream->expect(host); !ready) co_return ready.error();
    if (auto done = co_await stream->handshake(); !done) co_return done.error();
    co_return std::unique_ptr<byte_stream>(std::move(stream));
}

} // namespace enrichd::http
