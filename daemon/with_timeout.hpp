// with_timeout: an awaitable with a deadline.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace enrichd {

namespace detail {

/// Runs op; cancels it when the limit passes; comes back when op has ended. True if it ended by itself.
boost::asio::awaitable<bool> finish_within(boost::asio::awaitable<void> op, std::chrono::nanoseconds limit);

template <class T>
struct outcome {
    std::optional<result<T>> value;
    std::exception_ptr thrown;
};

// Exceptions are carried by hand: operator|| takes a throwing operation for one that has not finished yet.
template <class T>
boost::asio::awaitable<void> keep_outcome(boost::asio::awaitable<result<T>> op, outcome<T>& into) {
    try {
        into.value.emplace(co_await std::move(op));
    } catch (const boost::system::system_error& e) {
        if (e.code() == boost::asio::error::operation_aborted)
            into.value.emplace(error{errc::cancelled, "cancelled"});
        else
            into.thrown = std::current_exception();
    } catch (...) {
        into.thrown = std::current_exception();
    }
}

} // namespace detail

/// What op returns, or errc::timed_out with "`what`: not done within 30s" if it did not end in time. On a
/// timeout op is cancelled and waited for, so that what it refers to may be destroyed afterwards. Without a
/// limit, just op. If the caller is cancelled: errc::cancelled. The executor must be a single thread's.
template <class T>
boost::asio::awaitable<result<T>> with_timeout(std::optional<std::chrono::milliseconds> limit,
                                               std::string what, boost::asio::awaitable<result<T>> op) {
    if (!limit) co_return co_await std::move(op);
    // What is ready at once would win against any timer, again and again.
    if (limit->count() <= 0) co_return error{errc::timed_out, fmt::format("{}: no time is left", what)};
    detail::outcome<T> out;
    const bool in_time = co_await detail::finish_within(detail::keep_outcome<T>(std::move(op), out), *limit);
    if (out.thrown) std::rethrow_exception(out.thrown);
    const bool stopped = !out.value || (out.value->has_error() && out.value->error().code == errc::cancelled);
    if (!in_time && stopped)
        co_return error{errc::timed_out, fmt::format("{}: not done within {}", what, *limit)};
    co_return std::move(*out.value);
}

} // namespace enrichd
