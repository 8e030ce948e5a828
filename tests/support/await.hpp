// A coroutine, run to its end in a test.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace enrichd::tests {

/// Runs the loop until `a` has ended; what it throws is thrown here.
template <class T>
T await(boost::asio::io_context& loop, boost::asio::awaitable<T> a) {
    std::optional<T> out;
    std::exception_ptr thrown;
    boost::asio::co_spawn(loop, std::move(a), [&](std::exception_ptr e, T value) {
        thrown = e;
        if (!e) out.emplace(std::move(value));
    });
    loop.restart();
    while (!out && !thrown && loop.run_one() != 0) {
    }
    if (thrown) std::rethrow_exception(thrown);
    if (!out) throw std::runtime_error("the coroutine waits for nothing that could wake it");
    return std::move(*out);
}

/// A coroutine without any wait. A lambda that is a sink returns one, rather than be a coroutine itself: what
/// it captured would have to outlive each call.
inline boost::asio::awaitable<result<void>> at_once(result<void> r) {
    co_return r;
}

} // namespace enrichd::tests
