// Listening sockets and the kernel's word about a peer: plain POSIX, no Asio.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "daemon/http/server.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace enrichd::http {

struct listening_socket {
    int descriptor = -1; ///< non-blocking, close-on-exec; the caller's to close
    int family = 0;
    std::uint16_t port = 0; ///< TCP
};

/// See server::listen_tcp.
result<listening_socket> open_tcp(const std::string& address, std::uint16_t port);

/// See server::listen_unix.
result<listening_socket> open_unix(const std::filesystem::path& path, mode_t mode);

/// Absent where the socket is no Unix socket.
std::optional<peer_credentials> read_peer(int descriptor);

} // namespace enrichd::http
