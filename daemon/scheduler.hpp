// Sleeps until something is due, and takes its turn. The ledger is the timer queue.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/alarm.hpp"
#include "daemon/clock.hpp"
#include "state/ledger.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <set>
#include <vector>

namespace enrichd {

/// One turn at a time for each job and run; turns of different jobs go on side by side. Chores have turns of
/// their own, one at a time, that hold nothing else up. A due time is absolute, and the sleep never longer
/// than a minute, so that a lost wake-up heals by itself. Where the wall clock is stepped, the due times in
/// the ledger are moved with it: a wait is as long as it was meant to be, measured in time that nobody steps.
class scheduler {
public:
    using turn = std::function<boost::asio::awaitable<void>(std::int64_t id)>;

    struct turns {
        turn job;
        turn run;
        std::function<boost::asio::awaitable<void>()> chores; ///< all that are due
    };

    /// Told after each turn; what it threw, if it met a broken ledger or a bug.
    using turn_ended = std::function<void(std::exception_ptr failed)>;

    /// References outlive the scheduler.
    scheduler(boost::asio::any_io_executor loop, ledger& l, paced_clock& c, alarm& a, turns t,
              turn_ended ended);

    /// Runs until stop(), then until the turns under way have recorded what they did.
    boost::asio::awaitable<void> run();

    /// While `held` says so, no turn begins. `known` is asked about what ended early, and true means that it
    /// is told already, and no bug.
    void heed(std::function<bool()> held, std::function<bool(std::exception_ptr)> known);

    /// Something may be due now.
    void wake();
    /// No new turns. Those under way go on; `cancel` ends their waiting for the network.
    void stop();

    bool in_turn_job(std::int64_t id) const { return jobs_.count(id) != 0; }
    bool idle() const { return jobs_.empty() && builds_.empty() && settles_.empty() && sweeps_.empty(); }

private:
    struct rest { // after a turn that ended early
        std::set<std::int64_t>* busy;
        std::int64_t id;
        std::int64_t until_boot_ms;
    };

    void heed_clock();
    void heed_clock_if_recordable();
    void end_rests();
    void start_due();
    bool may_start(const due_run& run) const;
    void start_due_chores();
    void start(std::int64_t id, boost::asio::awaitable<void> taken, std::set<std::int64_t>& busy);
    std::int64_t next_due();

    boost::asio::any_io_executor loop_;
    ledger& ledger_;
    paced_clock& clock_;
    alarm& alarm_;
    turns turns_;
    turn_ended ended_;
    std::function<bool()> held_ = [] { return false; };
    std::function<bool(std::exception_ptr)> known_ = [](const std::exception_ptr&) { return false; };
    std::set<std::int64_t> jobs_;   ///< in a turn
    std::set<std::int64_t> builds_; ///< runs in a turn that builds
    std::set<std::int64_t> settles_;
    std::set<std::int64_t> sweeps_; ///< one, without an id of its own
    std::vector<rest> rests_;
    bool stopping_ = false;
};

} // namespace enrichd
