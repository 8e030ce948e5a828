// SPDX-License-Identifier: Apache-2.0
#include "daemon/instance.hpp"

#include "core/version.hpp"
#include "daemon/log.hpp"
#include "daemon/notify.hpp"
#include "daemon/provider/live_client.hpp"
#include "daemon/provider/shared_polls.hpp"
#include "daemon/status_line.hpp"
#include "daemon/target/open.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <memory>
#include <utility>

namespace enrichd {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

// Turns under way get so long to record what they did. What is cut off then is taken up by the next start.
constexpr auto drain_grace = 25s;

// Jitter sets the looks at many batches apart; those that fall this close together are one call.
constexpr milliseconds longest_poll_window{500};

// The end of a part of the daemon that has no end: only a bug or a broken ledger leads here, and restarting
// is the ordinary path, so it ends the process.
void must_not_fail(const std::exception_ptr& failed) {
    if (failed) std::rethrow_exception(failed);
}

} // namespace

instance::instance(config_sources sources, loaded_settings settings)
    : sources_(std::move(sources)),
      settings_(std::move(settings)),
      lock_(settings_.config.state_directory),
      alarm_(loop_.get_executor()),
      engine_(parts(), world_of(settings_)),
      control_(loop_.get_executor(), engine_.operations()),
      signals_(loop_, SIGTERM, SIGINT, SIGHUP),
      watchdog_(loop_),
      pruning_(loop_) {}

engine_parts instance::parts() {
    return {.loop = loop_.get_executor(),
            .pool = pool_.get_executor(),
            .clock = clock_,
            .alarm = alarm_,
            .random = [this] { return std::uniform_real_distribution<double>()(chance_); },
            .ended_a_turn =
                [this](const std::exception_ptr& failed) { // a ledger that is broken has no status to tell
                    if (!failed || engine_.storage().trouble()) tell_status();
                },
            .state_directory = settings_.config.state_directory,
            .config_file = settings_.config_file};
}

void instance::run() {
    std::signal(SIGPIPE, SIG_IGN);
    if (const auto listening = control_.listen(engine_.settings().control_socket); !listening)
        throw fatal_error(listening.error());
    asio::co_spawn(loop_, control_.serve(), must_not_fail);
    asio::co_spawn(loop_, engine_.storage().run(), must_not_fail);
    asio::co_spawn(loop_, begin(), must_not_fail);
    asio::co_spawn(loop_, heed_signals(), must_not_fail);
    asio::co_spawn(loop_, feed_watchdog(), must_not_fail);
    asio::co_spawn(loop_, prune_daily(), must_not_fail);
    notify::ready();
    tell_status();
    log::notice(fmt::format("enrichd {} is ready: socket {}, state {}, target {}", program_version(),
                            engine_.settings().control_socket, engine_.settings().state_directory,
                            engine_.target().identity()));
    loop_.run();
    pool_.join();
    engine_.mark_stopped();
    log::notice("stopped");
}

// After the watch has begun to listen.
asio::awaitable<void> instance::begin() {
    engine_.mark_running();
    co_await engine_.run();
}

void instance::tell_status() {
    if (const auto& trouble = engine_.storage().trouble())
        notify::status(trouble->why.detail);
    else
        notify::status(status_line(engine_.ledger()));
}

engine_world instance::world_of(const loaded_settings& s) {
    provider::settings p;
    p.base_url = s.config.provider.base_url;
    p.api_key = s.api_key;
    if (!s.config.provider.ca_file.empty()) p.ca_file = s.config.provider.ca_file;
    p.user_agent = fmt::format("enrichd/{}", program_version());
    if (s.api_key.empty())
        log::warning(
            "no API key is configured ([provider] api_key_file, or OPENAI_API_KEY): requests carry none");
    engine_world w;
    w.settings = std::make_shared<const config>(s.config);
    w.models = std::make_shared<const model_catalogue>(s.models);
    w.provider = std::make_shared<provider::shared_polls>(
        std::make_shared<provider::live_client>(pool_.get_executor(), std::move(p)),
        std::min(from_seconds(s.config.poll.first_seconds) / 10, longest_poll_window));
    w.target = target::open_target(pool_.get_executor(), *w.settings);
    return w;
}

// A configuration is taken as a whole or not at all.
void instance::reload() {
    notify::reloading();
    auto fresh = load_settings(sources_);
    if (!fresh) {
        log::error(
            fmt::format("the configuration was not reloaded, the old one stays: {}", fresh.error().detail));
    } else if (fresh->config.state_directory != engine_.settings().state_directory ||
               fresh->config.control_socket != engine_.settings().control_socket) {
        log::error(
            "the configuration was not reloaded, the old one stays: [state] directory and [control] socket "
            "change with a restart only");
    } else {
        try {
            engine_.set_world(world_of(*fresh));
            settings_ = std::move(*fresh);
            log::notice("the configuration was reloaded");
        } catch (const std::exception& e) {
            log::error(fmt::format("the configuration was not reloaded, the old one stays: {}", e.what()));
        }
    }
    notify::ready();
    engine_.wake();
}

asio::awaitable<void> instance::heed_signals() {
    while (!drained_) {
        boost::system::error_code cancelled;
        const int signal = co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
        if (cancelled) co_return;
        if (signal == SIGHUP) {
            reload();
        } else if (!stopping_) {
            stop();
        } else {
            log::warning("stopped at once, by a second signal");
            std::_Exit(EXIT_SUCCESS); // the ledger is always ready for it
        }
    }
}

void instance::stop() {
    stopping_ = true;
    notify::stopping();
    log::notice("stopping: what is under way is recorded first");
    engine_.stop();
    control_.stop(5s);
    watchdog_.cancel();
    pruning_.cancel();
    asio::co_spawn(loop_, drain(), must_not_fail);
}

asio::awaitable<void> instance::drain() {
    asio::steady_timer timer(loop_);
    const auto until = std::chrono::steady_clock::now() + drain_grace;
    while (!engine_.idle() && std::chrono::steady_clock::now() < until) {
        timer.expires_after(100ms);
        co_await timer.async_wait(asio::use_awaitable);
    }
    if (!engine_.idle()) {
        log::warning("stopped with calls under way; the next start takes them up");
        std::_Exit(EXIT_SUCCESS);
    }
    drained_ = true; // heed_signals() may not wait at this moment
    signals_.cancel();
}

asio::awaitable<void> instance::feed_watchdog() {
    const auto every = notify::watchdog_interval();
    if (!every) co_return;
    while (!stopping_) {
        notify::watchdog();
        watchdog_.expires_after(*every);
        boost::system::error_code cancelled;
        co_await watchdog_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
}

// Results and the rows of requests are kept for `retention` days after their run; jobs and history for ever.
asio::awaitable<void> instance::prune_daily() {
    while (!stopping_) {
        engine_.prune();
        pruning_.expires_after(1h);
        boost::system::error_code cancelled;
        co_await pruning_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
}

} // namespace enrichd
