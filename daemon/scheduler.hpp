// Sleeps until something is due, and takes its turn. The ledger is the timer queue.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/clock.hpp"
#include "state/ledger.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <set>

namespace enrichd {

/// One turn at a time for each job and run; turns of different jobs go on side by side. A due time is
/// absolute, and the sleep never longer than a minute, so that a stepped clock or a lost wake-up heals by
/// itself.
class scheduler {
public:
    using turn = std::function<boost::asio::awaitable<void>(std::int64_t id)>;

    /// References outlive the scheduler; `ended` is called after each turn.
    scheduler(boost::asio::any_io_executor loop, ledger& l, const clock& c, turn job_turn, turn run_turn,
              std::function<void()> ended);

    /// Runs until stop(), then until the turns under way have recorded what they did.
    boost::asio::awaitable<void> run();

    /// Something may be due now.
    void wake();
    /// No new turns. Those under way go on; `cancel` ends their waiting for the network.
    void stop();

    bool in_turn_job(std::int64_t id) const { return jobs_.count(id) != 0; }
    bool idle() const { return jobs_.empty() && builds_.empty() && settles_.empty(); }

private:
    void start_due();
    bool may_start(const due_run& run) const;
    void start(std::int64_t id, const turn& t, std::set<std::int64_t>& busy);
    std::int64_t sleep_ms();

    boost::asio::any_io_executor loop_;
    ledger& ledger_;
    const clock& clock_;
    turn job_turn_;
    turn run_turn_;
    std::function<void()> ended_;
    boost::asio::steady_timer timer_;
    std::set<std::int64_t> jobs_;   ///< in a turn
    std::set<std::int64_t> builds_; ///< runs in a turn that builds
    std::set<std::int64_t> settles_;
    bool stopping_ = false;
};

} // namespace enrichd
