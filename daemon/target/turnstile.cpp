// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/turnstile.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace enrichd::target {

namespace asio = boost::asio;

void turnstile::queue::leave() {
    taken = false;
    if (!waiting.empty()) waiting.front()->cancel();
}

turnstile::pass turnstile::make_pass(const std::shared_ptr<queue>& q) {
    q->taken = true;
    return pass(q.get(), [q](void*) { q->leave(); });
}

asio::awaitable<turnstile::pass> turnstile::enter() {
    const auto q = queue_;
    if (!q->taken && q->waiting.empty()) co_return make_pass(q);
    asio::steady_timer bell(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    const auto place = q->waiting.insert(q->waiting.end(), &bell);
    boost::system::error_code rung;
    co_await bell.async_wait(asio::redirect_error(asio::use_awaitable, rung));
    q->waiting.erase(place);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
        if (!q->taken) q->leave(); // it may have been our turn: the next one's then
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    co_return make_pass(q);
}

} // namespace enrichd::target
