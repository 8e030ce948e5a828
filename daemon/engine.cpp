// SPDX-License-Identifier: Apache-2.0
#include "daemon/engine.hpp"

#include "daemon/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <unistd.h>
#include <utility>

namespace enrichd {

namespace {

constexpr std::int64_t day_ms = 24LL * 60 * 60 * 1000;
constexpr std::int64_t hour_ms = 60LL * 60 * 1000; // the longest that a provider can have us wait

milliseconds seconds(double s) {
    return milliseconds(static_cast<std::int64_t>(s * 1000));
}

longest_waits waits_of(const config& c) {
    double look = 0;
    for (const auto s : c.submit.reconcile_seconds)
        look = std::max(look, s);
    // With its jitter.
    const auto poll = poll_wait({seconds(c.poll.first_seconds), seconds(c.poll.max_seconds)}, 60, 1.0);
    return {poll.count(), seconds(look).count(), hour_ms};
}

} // namespace

engine::engine(engine_parts p, engine_world w)
    : clock_(p.clock),
      ledger_((p.state_directory / "ledger.db").string()),
      spool_(p.state_directory),
      changes_(p.loop),
      random_(p.random),
      effects_(ledger_, spool_, clock_, p.pool),
      job_driver_(ledger_, effects_, clock_, random_),
      builder_(ledger_, spool_, clock_, p.pool),
      settler_(ledger_, spool_, clock_, p.pool),
      reports_(ledger_, spool_, clock_, p.pool),
      run_driver_(run_parts()),
      scheduler_(
          p.loop, ledger_, clock_, p.alarm, [this](std::int64_t id) { return job_driver_.take_turn(id); },
          [this](std::int64_t id) { return run_driver_.take_turn(id); },
          [this, ended = p.ended_a_turn](std::exception_ptr failed) {
              changes_.bump();
              ended(failed);
          }),
      operations_(operation_parts_of(p)) {
    builder_.on_progress([this] { changes_.bump(); });
    set_world(std::move(w));
}

run_driver::parts engine::run_parts() {
    return {ledger_,
            clock_,
            builder_,
            settler_,
            [this] { return current(); },
            [this](std::int64_t id) { return reports_.write(id); },
            random_};
}

operation_parts engine::operation_parts_of(const engine_parts& p) {
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
            .config_file = p.config_file};
}

void engine::set_world(engine_world w) {
    world_ = std::move(w);
    const auto& c = *world_.settings;
    effects_.set_world(world_.provider, world_.target);
    effects_.set_looks(c.submit.reconcile_seconds.size());
    effects_.set_slice_lines(static_cast<std::size_t>(c.batch.merge_rows));
    job_driver_.set_rules({{seconds(c.poll.first_seconds), seconds(c.poll.max_seconds)},
                           c.submit.reconcile_seconds,
                           seconds(c.poll.deadline_hours * 3600)});
}

boost::asio::awaitable<void> engine::run() {
    // Due times are of the wall clock, which may have been set back since they were written down.
    const auto moved = ledger_.pull_in_due_times(clock_.now_ms(), waits_of(settings()));
    if (moved > 0)
        log::warning(fmt::format("{} due times were further ahead than anything waits, as after the clock "
                                 "was set back: they are sooner now",
                                 moved));
    co_await scheduler_.run();
}

void engine::stop() {
    stopping_ = true;
    scheduler_.stop();
    changes_.close();
}

void engine::prune() {
    const auto before = clock_.now_ms() - static_cast<std::int64_t>(settings().retention_days) * day_ms;
    // Files first: what a crash leaves in the ledger is pruned by the next look.
    for (const auto id : ledger_.prunable(before)) {
        if (const auto job = ledger_.jobs().find(id)) spool_.remove_files(job->plan.file_name, job->batch_id);
        ledger_.prune(id);
    }
}

} // namespace enrichd
