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
#include <filesystem>
#include <unistd.h>
#include <utility>

namespace enrichd {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

// Turns under way get so long to record what they did. What is cut off then is taken up by the next start.
constexpr auto drain_grace = 25s;

// Jitter sets the looks at many batches apart; those that fall this close together are one call.
constexpr milliseconds longest_poll_window{500};

constexpr std::int64_t day_ms = 24LL * 60 * 60 * 1000;

milliseconds seconds(double s) {
    return milliseconds(static_cast<std::int64_t>(s * 1000));
}

// The end of a part of the daemon that has no end: only a bug or a broken ledger leads here, and restarting
// is the ordinary path, so it ends the process.
void must_not_fail(std::exception_ptr failed) {
    if (failed) std::rethrow_exception(failed);
}

} // namespace

instance::instance(config_sources sources, loaded_settings settings)
    : sources_(std::move(sources)),
      settings_(settings),
      lock_(settings_.config.state_directory),
      ledger_((std::filesystem::path(settings_.config.state_directory) / "ledger.db").string()),
      spool_(settings_.config.state_directory),
      changes_(loop_.get_executor()),
      effects_(ledger_, spool_, clock_, pool_.get_executor()),
      job_driver_(ledger_, effects_, clock_,
                  [this] { return std::uniform_real_distribution<double>()(chance_); }),
      builder_(ledger_, spool_, clock_, pool_.get_executor()),
      settler_(ledger_, spool_, clock_, pool_.get_executor()),
      reports_(ledger_, spool_, clock_, pool_.get_executor()),
      run_driver_({ledger_, clock_, builder_, settler_, [this] { return current(); },
                   [this](std::int64_t id) { return reports_.write(id); },
                   [this] { return std::uniform_real_distribution<double>()(chance_); }}),
      scheduler_(
          loop_.get_executor(), ledger_, clock_,
          [this](std::int64_t id) { return job_driver_.take_turn(id); },
          [this](std::int64_t id) { return run_driver_.take_turn(id); }, [this] { after_turn(); }),
      operations_(parts()),
      control_(loop_.get_executor(), operations_),
      signals_(loop_, SIGTERM, SIGINT, SIGHUP),
      watchdog_(loop_),
      pruning_(loop_) {
    builder_.on_progress([this] { changes_.bump(); });
    apply(std::move(settings));
}

void instance::run() {
    std::signal(SIGPIPE, SIG_IGN);
    if (const auto listening = control_.listen(config_->control_socket); !listening)
        throw fatal_error(listening.error());
    asio::co_spawn(loop_, control_.serve(), must_not_fail);
    asio::co_spawn(loop_, scheduler_.run(), must_not_fail);
    asio::co_spawn(loop_, heed_signals(), must_not_fail);
    asio::co_spawn(loop_, feed_watchdog(), must_not_fail);
    asio::co_spawn(loop_, prune_daily(), must_not_fail);
    notify::ready();
    after_turn();
    log::notice(fmt::format("enrichd {} is ready: socket {}, state {}, target {}", program_version(),
                            config_->control_socket, config_->state_directory, target_->identity()));
    loop_.run();
    pool_.join();
    log::notice("stopped");
}

// A configuration takes effect as a whole. Jobs of another target wait until theirs is configured again.
void instance::apply(loaded_settings s) {
    provider::settings p;
    p.base_url = s.config.provider.base_url;
    p.api_key = s.api_key;
    if (!s.config.provider.ca_file.empty()) p.ca_file = s.config.provider.ca_file;
    p.user_agent = fmt::format("enrichd/{}", program_version());
    auto client = std::make_shared<provider::shared_polls>(
        std::make_shared<provider::live_client>(pool_.get_executor(), std::move(p)),
        std::min(seconds(s.config.poll.first_seconds) / 10, longest_poll_window));
    auto config_now = std::make_shared<const config>(s.config);
    std::shared_ptr<target::database> database = target::open_target(pool_.get_executor(), *config_now);

    // Nothing below fails: a configuration is taken as a whole or not at all.
    provider_ = std::move(client);
    target_ = std::move(database);
    config_ = std::move(config_now);
    models_ = std::make_shared<const model_catalogue>(s.models);
    effects_.set_world(provider_, target_);
    effects_.set_looks(config_->submit.reconcile_seconds.size());
    effects_.set_slice_lines(static_cast<std::size_t>(config_->batch.merge_rows));
    job_driver_.set_rules({{seconds(config_->poll.first_seconds), seconds(config_->poll.max_seconds)},
                           config_->submit.reconcile_seconds,
                           seconds(config_->poll.deadline_hours * 3600)});
    if (s.api_key.empty())
        log::warning(
            "no API key is configured ([provider] api_key_file, or OPENAI_API_KEY): requests carry none");
    settings_ = std::move(s);
}

void instance::reload() {
    notify::reloading();
    auto fresh = load_settings(sources_);
    if (!fresh) {
        log::error(
            fmt::format("the configuration was not reloaded, the old one stays: {}", fresh.error().detail));
    } else if (fresh->config.state_directory != config_->state_directory ||
               fresh->config.control_socket != config_->control_socket) {
        log::error(
            "the configuration was not reloaded, the old one stays: [state] directory and [control] socket "
            "change with a restart only");
    } else {
        try {
            apply(std::move(*fresh));
            log::notice("the configuration was reloaded");
        } catch (const std::exception& e) {
            log::error(fmt::format("the configuration was not reloaded, the old one stays: {}", e.what()));
        }
    }
    notify::ready();
    scheduler_.wake();
}

operation_parts instance::parts() {
    return {.ledger = ledger_,
            .spool = spool_,
            .clock = clock_,
            .builder = builder_,
            .changes = changes_,
            .settings = [this] { return current(); },
            .wake = [this] { scheduler_.wake(); },
            .in_turn = [this](std::int64_t id) { return scheduler_.in_turn_job(id); },
            .state = [this] { return stopping_ ? daemon_state::draining : daemon_state::running; },
            .pid = getpid(),
            .started_ms = clock_.now_ms(),
            .config_file = settings_.config_file};
}

build_settings instance::current() const {
    return {config_, models_, target_};
}

void instance::after_turn() {
    changes_.bump();
    notify::status(status_line(ledger_));
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
    scheduler_.stop();
    changes_.close();
    control_.stop(5s);
    watchdog_.cancel();
    pruning_.cancel();
    asio::co_spawn(loop_, drain(), must_not_fail);
}

asio::awaitable<void> instance::drain() {
    asio::steady_timer timer(loop_);
    const auto until = std::chrono::steady_clock::now() + drain_grace;
    while (!scheduler_.idle() && std::chrono::steady_clock::now() < until) {
        timer.expires_after(100ms);
        co_await timer.async_wait(asio::use_awaitable);
    }
    if (!scheduler_.idle()) {
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
        const auto before = clock_.now_ms() - static_cast<std::int64_t>(config_->retention_days) * day_ms;
        // Files first: what a crash leaves in the ledger is pruned by the next look.
        for (const auto id : ledger_.prunable(before)) {
            if (const auto job = ledger_.jobs().find(id))
                spool_.remove_files(job->plan.file_name, job->batch_id);
            ledger_.prune(id);
        }
        pruning_.expires_after(1h);
        boost::system::error_code cancelled;
        co_await pruning_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
}

} // namespace enrichd
