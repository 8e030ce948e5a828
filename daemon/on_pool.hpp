// on_pool: work that would block the loop, done on another executor.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace enrichd {

namespace detail {
boost::asio::awaitable<void> run_on(boost::asio::any_io_executor pool, std::function<void()> work);
}

/// Calls `work` on `pool` and returns what it returned, back on the caller's executor; what it throws is
/// thrown here. It is always waited for, cancelled or not, so it may refer to what the caller holds. And so
/// it should: g++ 12 destroys what a lambda written within a co_await expression captured by value twice
/// (https://gcc.gnu.org/bugzilla/show_bug.cgi?id=104031). Capture by reference, or give the lambda a name.
template <class F>
boost::asio::awaitable<std::invoke_result_t<F&>> on_pool(boost::asio::any_io_executor pool, F work) {
    if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
        co_await detail::run_on(std::move(pool), std::ref(work));
    } else {
        std::optional<std::invoke_result_t<F&>> out;
        co_await detail::run_on(std::move(pool), [&] { out.emplace(work()); });
        co_return std::move(*out);
    }
}

} // namespace enrichd
