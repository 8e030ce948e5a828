// A connection as two directions of bytes; TLS, TCP and Unix sockets look the same behind it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <span>

namespace enrichd::http {

template <class T>
using awaitable = boost::asio::awaitable<T>;

/// Completion token: errors of the system come back as a value, not as an exception.
inline constexpr auto reported = boost::asio::as_tuple(boost::asio::use_awaitable);

/// Virtual, so that HTTP is compiled once and not once for each kind of connection. One reader and one writer
/// at a time. After an error, a cancelled or a timed out call it can only be closed. Errors: io (the detail
/// holds the system's reason), cancelled.
class byte_stream {
public:
    virtual ~byte_stream() = default;

    /// Waits for at least one byte; 0 is the peer's orderly end. Over TLS an end without close_notify is an
    /// error.
    virtual awaitable<result<std::size_t>> read_some(std::span<char> into) = 0;

    /// Writes all of it.
    virtual awaitable<result<void>> write(std::span<const char> bytes) = 0;

    /// At once, without a farewell; what waits on the stream ends with an error.
    virtual void close() noexcept = 0;
};

} // namespace enrichd::http
