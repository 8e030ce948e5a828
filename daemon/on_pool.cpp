// SPDX-License-Identifier: Apache-2.0
#include "daemon/on_pool.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>

namespace enrichd::detail {

namespace asio = boost::asio;

asio::awaitable<void> run_on(asio::any_io_executor pool, std::function<void()> work) {
    auto start = [&](auto handler) {
        auto home = asio::make_work_guard(handler); // keeps the loop running meanwhile
        asio::post(pool, [&work, home = std::move(home), handler = std::move(handler)]() mutable {
            std::exception_ptr thrown;
            try {
                work();
            } catch (...) {
                thrown = std::current_exception();
            }
            auto back = home.get_executor();
            asio::post(back, [thrown, handler = std::move(handler)]() mutable { handler(thrown); });
        });
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr)>(
        start, asio::use_awaitable);
}

} // namespace enrichd::detail
