// How a connection to a server is made: resolve, connect, handshake, within one deadline.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/http/byte_stream.hpp"
#include "daemon/http/endpoint.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace enrichd::http {

class connector {
public:
    virtual ~connector() = default;

    /// A new connection. Nothing has been sent to the server's program when this fails. Errors: unavailable
    /// (detail says at which step and why), cancelled.
    virtual awaitable<result<std::unique_ptr<byte_stream>>> connect(
        std::optional<std::chrono::milliseconds> limit) = 0;
};

/// Throws fatal_error if TLS is asked for and ca_file holds no certificate.
std::unique_ptr<connector> make_connector(endpoint where, const std::optional<std::string>& ca_file);

} // namespace enrichd::http
