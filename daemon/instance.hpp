// The daemon: owns every part by value, in the order in which they depend on each other.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/change_signal.hpp"
#include "daemon/clock.hpp"
#include "daemon/control/server.hpp"
#include "daemon/job_driver.hpp"
#include "daemon/live_effects.hpp"
#include "daemon/operations/live_operations.hpp"
#include "daemon/report_writer.hpp"
#include "daemon/run_builder.hpp"
#include "daemon/run_driver.hpp"
#include "daemon/run_settler.hpp"
#include "daemon/scheduler.hpp"
#include "daemon/settings.hpp"
#include "daemon/spool.hpp"
#include "state/directory_lock.hpp"
#include "state/ledger.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <memory>
#include <random>

namespace enrichd {

/// One io_context on one thread holds all state and I/O; what blocks or burns the processor goes to the pool.
class instance {
public:
    /// Takes the state directory and opens the ledger. Throws fatal_error and sqlite_error: the world is
    /// broken.
    instance(config_sources sources, loaded_settings settings);

    /// Serves until SIGTERM or SIGINT, then drains. Throws fatal_error if the control socket cannot be had.
    void run();

private:
    void apply(loaded_settings settings);
    void reload();
    void stop();
    void after_turn();
    build_settings current() const;
    operation_parts parts();

    boost::asio::awaitable<void> heed_signals();
    boost::asio::awaitable<void> drain();
    boost::asio::awaitable<void> feed_watchdog();
    boost::asio::awaitable<void> prune_daily();

    config_sources sources_;
    loaded_settings settings_;
    directory_lock lock_;
    boost::asio::io_context loop_{1};
    boost::asio::thread_pool pool_{2};
    system_clock clock_;
    std::mt19937_64 chance_{std::random_device{}()};
    ledger ledger_;
    spool spool_;
    change_signal changes_;

    std::shared_ptr<const config> config_;
    std::shared_ptr<const model_catalogue> models_;
    std::shared_ptr<provider::client> provider_;
    std::shared_ptr<target::database> target_;

    live_effects effects_;
    job_driver job_driver_;
    run_builder builder_;
    run_settler settler_;
    report_writer reports_;
    run_driver run_driver_;
    scheduler scheduler_;
    live_operations operations_;
    control::server control_;

    boost::asio::signal_set signals_;
    boost::asio::steady_timer watchdog_;
    boost::asio::steady_timer pruning_;
    bool stopping_ = false; ///< set by stop()
    bool drained_ = false;  ///< set by drain(): no turn is under way any more
};

} // namespace enrichd
