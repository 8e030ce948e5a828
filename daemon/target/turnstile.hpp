// A turnstile: lets coroutines of one thread through one at a time, in the order they came.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <list>
#include <memory>

namespace enrichd::target {

class turnstile {
public:
    /// Held while inside; letting go of it calls the next one in. May outlive the turnstile.
    using pass = std::shared_ptr<void>;

    /// Throws system_error(operation_aborted) if the coroutine is cancelled while it waits.
    boost::asio::awaitable<pass> enter();

private:
    struct queue {
        bool taken = false;
        std::list<boost::asio::steady_timer*> waiting;
        void leave();
    };
    static pass make_pass(const std::shared_ptr<queue>& q);

    std::shared_ptr<queue> queue_ = std::make_shared<queue>();
};

} // namespace enrichd::target
