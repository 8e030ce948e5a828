// SPDX-License-Identifier: Apache-2.0
#include "daemon/scheduler.hpp"

#include "daemon/log.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <utility>

namespace enrichd {

namespace asio = boost::asio;

namespace {

// The wall clock is slewed all the time, by half a millisecond a second at most; this is a step.
constexpr std::int64_t least_step_ms = 1000;

// Turns of jobs at a time. More would only queue at the provider's connections and the pool.
constexpr std::int64_t max_turns = 64;

bool builds(const due_run& run) {
    return run::next_effect(run.state) == run::effect::build;
}

void log_failure(const std::exception_ptr& failed) {
    try {
        std::rethrow_exception(failed);
    } catch (const std::exception& e) {
        log::error(fmt::format("a turn ended early: {}", e.what()));
    }
}

// A turn that ends with an exception met a broken ledger or a bug: it is tried again, not at once.
constexpr std::int64_t rest_ms = 5'000;

} // namespace

scheduler::scheduler(asio::any_io_executor loop, ledger& l, paced_clock& c, alarm& a, turns t,
                     turn_ended ended)
    : loop_(std::move(loop)),
      ledger_(l),
      clock_(c),
      alarm_(a),
      turns_(std::move(t)),
      ended_(std::move(ended)) {}

asio::awaitable<void> scheduler::run() {
    while (!stopping_ || !idle()) {
        if (!held_()) heed_clock_if_recordable();
        end_rests();
        if (!stopping_ && !held_()) start_due();
        co_await alarm_.sleep_until(next_due()); // or until wake(), or the end of a turn
    }
}

void scheduler::heed(std::function<bool()> held, std::function<bool(std::exception_ptr)> known) {
    held_ = std::move(held);
    known_ = std::move(known);
}

void scheduler::heed_clock_if_recordable() {
    try {
        heed_clock();
    } catch (const sqlite::sqlite_error&) {
        if (!known_(std::current_exception())) throw;
    }
}

void scheduler::wake() {
    alarm_.ring();
}

void scheduler::stop() {
    stopping_ = true;
    wake();
}

// Due times first: if that fails, the clock is not followed, and it is tried again.
void scheduler::heed_clock() {
    const auto step = clock_.lag_ms();
    if (std::abs(step) >= least_step_ms) {
        ledger_.move_due_times(step);
        log::warning(fmt::format("the wall clock was set {} by {:.3f} s; what is due later was moved with it",
                                 step < 0 ? "back" : "forward", std::abs(static_cast<double>(step)) / 1000));
    }
    clock_.follow();
}

void scheduler::end_rests() {
    const auto now = clock_.boot_ms();
    std::erase_if(rests_, [now](const rest& r) {
        if (r.until_boot_ms > now) return false;
        r.busy->erase(r.id);
        return true;
    });
}

void scheduler::start_due() {
    const auto now = clock_.now_ms();
    for (const auto& run : ledger_.runs().timetable())
        if (run.due_ms <= now && may_start(run))
            start(run.id, turns_.run(run.id), builds(run) ? builds_ : settles_);
    // What is in a turn is due in the ledger still.
    for (const auto id : ledger_.jobs().due(now, 2 * max_turns))
        if (std::ssize(jobs_) < max_turns && jobs_.count(id) == 0) start(id, turns_.job(id), jobs_);
    start_due_chores();
}

void scheduler::start_due_chores() {
    constexpr std::int64_t the_sweep = 0;
    if (!sweeps_.empty()) return;
    const auto due = ledger_.chores().next_due();
    if (due && *due <= clock_.now_ms()) start(the_sweep, turns_.chores(), sweeps_);
}

// Building is heavy: one run at a time. Settling waits for no build.
bool scheduler::may_start(const due_run& run) const {
    if (builds_.count(run.id) != 0 || settles_.count(run.id) != 0) return false;
    return !builds(run) || builds_.empty();
}

void scheduler::start(std::int64_t id, asio::awaitable<void> taken, std::set<std::int64_t>& busy) {
    busy.insert(id);
    // What ends here is one turn, never the daemon.
    asio::co_spawn(loop_, std::move(taken), [this, id, &busy](const std::exception_ptr& failed) {
        if (failed) {
            if (!known_(failed)) log_failure(failed);
            rests_.push_back({&busy, id, clock_.boot_ms() + rest_ms});
        } else {
            busy.erase(id);
        }
        ended_(failed);
        wake();
    });
}

// The alarm sleeps no longer than a minute, whatever this says.
std::int64_t scheduler::next_due() {
    auto next = std::numeric_limits<std::int64_t>::max();
    for (const auto& r : rests_)
        next = std::min(next, clock_.now_ms() + (r.until_boot_ms - clock_.boot_ms()));
    if (stopping_ || held_()) return next;
    // What is in a turn, or waits for the end of others, is due in the ledger still; their end wakes us.
    for (const auto& run : ledger_.runs().timetable())
        if (may_start(run)) next = std::min(next, run.due_ms);
    if (std::ssize(jobs_) < max_turns)
        if (const auto job = ledger_.jobs().next_due(jobs_)) next = std::min(next, *job);
    if (sweeps_.empty())
        if (const auto chore = ledger_.chores().next_due()) next = std::min(next, *chore);
    return next;
}

} // namespace enrichd
