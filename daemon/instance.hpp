// The daemon: owns every part by value, in the order in which they depend on each other.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/alarm.hpp"
#include "daemon/clock.hpp"
#include "daemon/control/server.hpp"
#include "daemon/engine.hpp"
#include "daemon/settings.hpp"
#include "state/directory_lock.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <random>

namespace enrichd {

/// An engine, and what joins it to this machine: socket, signals, watchdog, configuration. One io_context on
/// one thread holds all state and I/O; what blocks or burns the processor goes to the pool.
class instance {
public:
    /// Takes the state directory and opens the ledger. Throws fatal_error and sqlite_error: the world is
    /// broken.
    instance(config_sources sources, loaded_settings settings);

    /// Serves until SIGTERM or SIGINT, then drains. Throws fatal_error if the control socket cannot be had.
    void run();

private:
    engine_world world_of(const loaded_settings& settings);
    engine_parts parts();
    void reload();
    void stop();
    void tell_status();

    boost::asio::awaitable<void> begin();
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
    system_alarm alarm_;
    std::mt19937_64 chance_{std::random_device{}()};
    engine engine_;
    control::server control_;

    boost::asio::signal_set signals_;
    boost::asio::steady_timer watchdog_;
    boost::asio::steady_timer pruning_;
    bool stopping_ = false; ///< set by stop()
    bool drained_ = false;  ///< set by drain(): no turn is under way any more
};

} // namespace enrichd
