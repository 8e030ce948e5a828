// SPDX-License-Identifier: Apache-2.0
#include "daemon/with_timeout.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace enrichd::detail {

boost::asio::awaitable<bool> finish_within(boost::asio::awaitable<void> op, std::chrono::nanoseconds limit) {
    using namespace boost::asio::experimental::awaitable_operators;
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, limit);
    const auto first = co_await (std::move(op) || timer.async_wait(boost::asio::use_awaitable));
    co_return first.index() == 0;
}

} // namespace enrichd::detail
