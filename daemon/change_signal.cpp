// SPDX-License-Identifier: Apache-2.0
#include "daemon/change_signal.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace enrichd {

namespace asio = boost::asio;

change_signal::change_signal(const asio::any_io_executor& loop)
    : news_(loop, asio::steady_timer::time_point::max()) {}

void change_signal::bump() {
    ++version_;
    news_.cancel();
}

void change_signal::close() {
    closed_ = true;
    news_.cancel();
}

asio::awaitable<result<std::uint64_t>> change_signal::changed(std::uint64_t version) {
    while (version_ <= version && !closed_) {
        boost::system::error_code woken; // by a change, or because this coroutine is cancelled
        co_await news_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none)
            co_return error{errc::cancelled, "the wait for a change was cancelled"};
    }
    if (closed_) co_return error{errc::cancelled, "enrichd is shutting down"};
    co_return version_;
}

} // namespace enrichd
