// SPDX-License-Identifier: Apache-2.0
#include "daemon/scheduler.hpp"

#include "daemon/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace enrichd {

namespace asio = boost::asio;

namespace {

constexpr std::int64_t longest_sleep_ms = 60'000;

// Turns of jobs at a time. More would only queue at the provider's connections and the pool.
constexpr std::int64_t max_turns = 64;

bool builds(const due_run& run) {
    return run::next_effect(run.state) == run::effect::build;
}

// A turn that ends with an exception met a broken ledger or a bug: it is tried again, not at once.
constexpr std::chrono::seconds after_exception{5};

} // namespace

scheduler::scheduler(asio::any_io_executor loop, ledger& l, const clock& c, turn job_turn, turn run_turn,
                     std::function<void()> ended)
    : loop_(loop),
      ledger_(l),
      clock_(c),
      job_turn_(std::move(job_turn)),
      run_turn_(std::move(run_turn)),
      ended_(std::move(ended)),
      timer_(loop) {}

asio::awaitable<void> scheduler::run() {
    while (!stopping_ || !idle()) {
        if (!stopping_) start_due();
        timer_.expires_after(std::chrono::milliseconds(stopping_ ? longest_sleep_ms : sleep_ms()));
        boost::system::error_code woken; // by wake(), the end of a turn, or time
        co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
}

void scheduler::wake() {
    timer_.cancel();
}

void scheduler::stop() {
    stopping_ = true;
    wake();
}

void scheduler::start_due() {
    const auto now = clock_.now_ms();
    for (const auto& run : ledger_.runs().timetable())
        if (run.due_ms <= now && may_start(run)) start(run.id, run_turn_, builds(run) ? builds_ : settles_);
    // What is in a turn is due in the ledger still.
    for (const auto id : ledger_.jobs().due(now, 2 * max_turns))
        if (std::ssize(jobs_) < max_turns && jobs_.count(id) == 0) start(id, job_turn_, jobs_);
}

// Building is heavy: one run at a time. Settling waits for no build.
bool scheduler::may_start(const due_run& run) const {
    if (builds_.count(run.id) != 0 || settles_.count(run.id) != 0) return false;
    return !builds(run) || builds_.empty();
}

void scheduler::start(std::int64_t id, const turn& t, std::set<std::int64_t>& busy) {
    busy.insert(id);
    // What ends here is one turn, never the daemon.
    asio::co_spawn(loop_, t(id), [this, id, &busy](std::exception_ptr failed) {
        if (failed) {
            try {
                std::rethrow_exception(failed);
            } catch (const std::exception& e) {
                log::error(fmt::format("a turn ended early: {}", e.what()));
            }
            auto later = std::make_shared<asio::steady_timer>(loop_, after_exception);
            later->async_wait([this, id, &busy, later](boost::system::error_code) {
                busy.erase(id);
                wake();
            });
            return;
        }
        busy.erase(id);
        ended_();
        wake();
    });
}

std::int64_t scheduler::sleep_ms() {
    const auto now = clock_.now_ms();
    auto next = now + longest_sleep_ms;
    // What is in a turn, or waits for the end of others, is due in the ledger still; their end wakes us.
    for (const auto& run : ledger_.runs().timetable())
        if (may_start(run)) next = std::min(next, run.due_ms);
    if (std::ssize(jobs_) < max_turns)
        if (const auto job = ledger_.jobs().next_due(jobs_)) next = std::min(next, *job);
    return std::max<std::int64_t>(next - now, 0);
}

} // namespace enrichd
