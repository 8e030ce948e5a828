// Where heavy work is done: a pool of threads, each job with token counters of its own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/sandbox/token_bench.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace enrichd::sandbox {

/// Called from the loop's thread. Work gets values and returns a value, and touches nothing of the loop.
class workshop {
public:
    explicit workshop(std::size_t threads) : pool_(threads) {}

    /// Runs work(token_bench&) on the pool; the caller goes on on its own thread.
    template <class Work>
    auto run(Work work) -> boost::asio::awaitable<decltype(work(std::declval<token_bench&>()))> {
        auto bench = take();
        auto done =
            co_await boost::asio::co_spawn(pool_, call(std::move(work), *bench), boost::asio::use_awaitable);
        idle_.push_back(std::move(bench));
        co_return done;
    }

    /// Waits for the work that runs.
    void join() { pool_.join(); }

private:
    template <class Work>
    static auto call(Work work, token_bench& bench) -> boost::asio::awaitable<decltype(work(bench))> {
        co_return work(bench);
    }

    std::unique_ptr<token_bench> take() {
        if (idle_.empty()) return std::make_unique<token_bench>();
        auto bench = std::move(idle_.back());
        idle_.pop_back();
        return bench;
    }

    boost::asio::thread_pool pool_;
    std::vector<std::unique_ptr<token_bench>> idle_; ///< their word caches are warm
};

} // namespace enrichd::sandbox
