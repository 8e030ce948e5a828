// Byte streams over plain TCP and Unix sockets.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/http/byte_stream.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <memory>

namespace enrichd::http {

/// Takes a connected socket; TCP_NODELAY is set on it, as small writes followed by a read would otherwise
/// wait for the peer's delayed acknowledgement.
std::unique_ptr<byte_stream> make_stream(boost::asio::ip::tcp::socket socket);
std::unique_ptr<byte_stream> make_stream(boost::asio::local::stream_protocol::socket socket);

/// The system's reason in our error; `doing` is "read" or "write".
error stream_error(const char* doing, const boost::system::error_code& ec);

} // namespace enrichd::http
