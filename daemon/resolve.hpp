// resolve: the addresses of a name, by a deadline.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace enrichd {

/// getaddrinfo() cannot be interrupted: when the limit passes, or the caller is cancelled, its answer is left
/// behind. `port` is a number, or empty for 0. Errors: io (no such name), timed_out, cancelled.
boost::asio::awaitable<result<std::vector<boost::asio::ip::tcp::endpoint>>> resolve(
    std::string host, std::string port, std::optional<std::chrono::milliseconds> limit);

} // namespace enrichd
