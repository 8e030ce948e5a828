// TLS towards a server whose name is known: verified, or not at all.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/http/byte_stream.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <optional>
#include <string>

namespace boost::asio::ssl {
class context;
}

namespace enrichd::http {

/// A client's context: peers are verified, TLS 1.2 or newer, the system's certificate authorities
/// (SSL_CERT_FILE and SSL_CERT_DIR are honoured) and those of ca_file (PEM) besides. Throws fatal_error,
/// naming the file.
std::shared_ptr<boost::asio::ssl::context> make_tls_context(const std::optional<std::string>& ca_file);

/// The handshake over a connected socket. `host` is the name or the IP literal that the certificate must be
/// for; a name is also sent as SNI. The error says why a certificate was refused.
awaitable<result<std::unique_ptr<byte_stream>>> start_tls(boost::asio::ip::tcp::socket socket,
                                                          std::shared_ptr<boost::asio::ssl::context> context,
                                                          std::string host);

} // namespace enrichd::http
