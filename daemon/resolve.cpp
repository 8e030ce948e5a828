// SPDX-License-Identifier: Apache-2.0
#include "daemon/resolve.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>

namespace enrichd {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

namespace {

using clock = std::chrono::steady_clock;

// Lives until the answer comes, whoever still waits for it.
struct lookup {
    explicit lookup(const asio::any_io_executor& ex) : resolver(ex), done(ex, clock::time_point::max()) {}

    tcp::resolver resolver;
    asio::steady_timer done; ///< cancelled when the answer is here
    bool answered = false;
    boost::system::error_code ec;
    std::vector<tcp::endpoint> found;
};

} // namespace

asio::awaitable<result<std::vector<tcp::endpoint>>> resolve(std::string host, std::string port,
                                                            std::optional<std::chrono::milliseconds> limit) {
    auto state = std::make_shared<lookup>(co_await asio::this_coro::executor);
    if (limit) state->done.expires_after(*limit);
    state->resolver.async_resolve(host, port, tcp::resolver::numeric_service,
                                  [state](const boost::system::error_code& ec, const auto& answer) {
                                      state->answered = true;
                                      state->ec = ec;
                                      for (const auto& entry : answer)
                                          state->found.push_back(entry.endpoint());
                                      state->done.cancel();
                                  });
    const auto [woken] = co_await state->done.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!state->answered && woken) co_return error{errc::cancelled, "cancelled"};
    if (!state->answered) co_return error{errc::timed_out, "the name server does not answer"};
    if (state->ec) co_return error{errc::io, state->ec.message()};
    co_return std::move(state->found);
}

} // namespace enrichd
