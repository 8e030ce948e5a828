// SPDX-License-Identifier: Apache-2.0
#include "daemon/provider/shared_polls.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <optional>
#include <utility>

namespace enrichd::provider {

namespace asio = boost::asio;

namespace {

// Below this many, asking for each is as cheap.
constexpr std::size_t fewest_for_list = 3;

} // namespace

struct shared_polls::look {
    look(std::string i, const asio::any_io_executor& loop)
        : id(std::move(i)), answered(loop, asio::steady_timer::time_point::max()) {}

    void end(result<batch_object> with) {
        answer = std::move(with);
        answered.cancel();
    }

    std::string id;
    std::optional<result<batch_object>> answer;
    asio::steady_timer answered; ///< never expires; cancelled when there is an answer
};

awaitable<result<batch_object>> shared_polls::get_batch(std::string id) {
    const auto loop = co_await asio::this_coro::executor;
    const auto mine = std::make_shared<look>(std::move(id), loop);
    gathering_.push_back(mine);
    if (gathering_.size() == 1) {
        asio::steady_timer others(loop, window_);
        (void)co_await others.async_wait(asio::as_tuple(asio::use_awaitable));
        auto all = std::exchange(gathering_, {});
        co_await answer(std::move(all));
    } else {
        (void)co_await mine->answered.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    if (!mine->answer) co_return error{errc::cancelled, "cancelled"};
    co_return std::move(*mine->answer);
}

awaitable<void> shared_polls::answer(looks all) {
    // Whatever ends this early, nobody waits for ever.
    struct waker {
        const looks& of;
        ~waker() {
            for (const auto& l : of)
                if (!l->answer) l->end(error{errc::cancelled, "cancelled"});
        }
    } const at_the_end{all};

    if (all.size() >= fewest_for_list) co_await answer_from_list(all);
    for (const auto& l : all) {
        if (l->answer) continue;
        auto batch = co_await inner_->get_batch(l->id);
        l->end(std::move(batch));
    }
}

awaitable<void> shared_polls::answer_from_list(const looks& all) {
    const auto page = co_await inner_->list_batches("");
    for (const auto& l : all) {
        if (!page) {
            l->end(page.error());
            continue;
        }
        // The end of a batch is read from the batch itself: some servers' lists are shorter of words.
        for (const auto& b : page->batches)
            if (b.id == l->id && !has_ended(b.status) && !l->answer) l->end(b);
    }
}

} // namespace enrichd::provider
