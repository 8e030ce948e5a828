// SPDX-License-Identifier: Apache-2.0
#include "daemon/engine.hpp"

#include "daemon/log.hpp"
#include "daemon/spool_sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <limits>
#include <unistd.h>
#include <utility>

namespace enrichd {

namespace {

constexpr std::int64_t day_ms = 24LL * 60 * 60 * 1000;
constexpr std::int64_t hour_ms = 60LL * 60 * 1000; // the longest that a provider can have us wait

longest_waits waits_of(const config& c) {
    double look = 0;
    for (const auto s : c.submit.reconcile_seconds)
        look = std::max(look, s);
    // With its jitter.
    const auto poll =
        poll_wait({from_seconds(c.poll.first_seconds), from_seconds(c.poll.max_seconds)}, 60, 1.0);
    return {poll.count(), from_seconds(look).count(), hour_ms, day_ms};
}

std::string ledger_path_of(const std::filesystem::path& state_directory) {
    return (state_directory / "ledger.db").string();
}

} // namespace

engine::engine(engine_parts p, engine_world w)
    : clock_(p.clock),
      ledger_(ledger_path_of(p.state_directory)),
      spool_(p.state_directory),
      changes_(p.loop),
      random_(p.random),
      tell_(p.ended_a_turn),
      storage_(p.loop, p.pool, p.state_directory, ledger_, clock_, storage_calls()),
      effects_(ledger_, spool_, clock_, p.pool),
      watched_(effects_, storage_),
      job_driver_(ledger_, watched_, clock_, random_),
      builder_(ledger_, spool_, clock_, p.pool),
      settler_(ledger_, spool_, clock_, p.pool),
      adopter_(ledger_, spool_, clock_, p.pool),
      finder_(ledger_, adopter_, clock_, [this] { return current(); }),
      reports_(ledger_, spool_, clock_, p.pool),
      run_driver_(run_parts()),
      sweeper_(ledger_, clock_, random_, [this] { changes_.bump(); }),
      scheduler_(p.loop, ledger_, clock_, p.alarm, turns(),
                 [this](const std::exception_ptr& failed) {
                     changes_.bump();
                     tell_(failed);
                 }),
      operations_(operation_parts_of(p)) {
    scheduler_.heed([this] { return storage_.trouble().has_value(); },
                    [this](const std::exception_ptr& failed) { return storage_.suspect(failed); });
    sweeper_.set_finder([this](chore_row c) { return finder_.look(std::move(c)); });
    sweeper_.set_taker([this](std::string id) { return adopter_.adopt(std::move(id), current()); });
    sweeper_.set_reporter([this](std::int64_t run_id) { return reports_.write(run_id); });
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
            random_,
            [this](const error& why) { storage_.suspect(why); }};
}

scheduler::turns engine::turns() {
    return {[this](std::int64_t id) { return job_driver_.take_turn(id); },
            [this](std::int64_t id) { return run_driver_.take_turn(id); },
            [this] { return sweeper_.sweep(); }};
}

storage_watch::calls engine::storage_calls() {
    return {[this] {
                changes_.bump();
                tell_(nullptr);
            },
            [this] { storage_recovered(); }};
}

operation_parts engine::operation_parts_of(const engine_parts& p) {
    return {.ledger = ledger_,
            .spool = spool_,
            .clock = clock_,
            .builder = builder_,
            .adoptions = adopter_,
            .changes = changes_,
            .settings = [this] { return current(); },
            .provider = [this] { return world_.provider; },
            .wake = [this] { scheduler_.wake(); },
            .in_turn = [this](std::int64_t id) { return scheduler_.in_turn_job(id); },
            .state = [this] { return stopping_ ? daemon_state::draining : daemon_state::running; },
            .pool = p.pool,
            .ledger_path = ledger_path_of(p.state_directory),
            .pid = getpid(),
            .started_ms = clock_.now_ms(),
            .config_file = p.config_file,
            .storage = &storage_};
}

void engine::set_world(engine_world w) {
    world_ = std::move(w);
    const auto& c = *world_.settings;
    effects_.set_world(world_.provider, world_.target);
    sweeper_.set_client(world_.provider);
    sweeper_.delete_results(c.provider.delete_results);
    adopter_.set_provider(world_.provider);
    effects_.set_looks(c.submit.reconcile_seconds.size());
    effects_.set_slice_lines(static_cast<std::size_t>(c.batch.merge_rows));
    job_driver_.set_rules({{from_seconds(c.poll.first_seconds), from_seconds(c.poll.max_seconds)},
                           c.submit.reconcile_seconds,
                           from_seconds(c.poll.deadline_hours * 3600),
                           c.submit.hold_unknown});
    (void)try_to_record([&] { job_driver_.set_quota(c.quota, world_.models); });
    if (!c.submit.hold_unknown) (void)try_to_record([this] { free_unknown_submissions(); });
    // What could not be adopted by the configuration before may be by this one.
    if (running_) (void)try_to_record([this] { sweeper_.begin(); });
}

// What waits for a person's word, as it was configured once, has no time of its next look.
void engine::free_unknown_submissions() {
    for (const auto& job : ledger_.jobs().list(true, std::numeric_limits<std::int64_t>::max()))
        if (std::holds_alternative<job::submit_unknown>(job.state) && !job.waiting.due_ms)
            ledger_.jobs().postpone(job, {clock_.now_ms(), 0, ""}, clock_.now_ms());
}

boost::asio::awaitable<void> engine::run() {
    // Due times are of the wall clock, which may have been set back since they were written down.
    std::int64_t moved = 0;
    (void)try_to_record([&] { moved = ledger_.pull_in_due_times(clock_.now_ms(), waits_of(settings())); });
    if (moved > 0)
        log::warning(fmt::format("{} due times were further ahead than anything waits, as after the clock "
                                 "was set back: they are sooner now",
                                 moved));
    (void)try_to_record([this] { sweeper_.begin(); });
    spool_.remove_partial_files(); // of downloads that died with the last life
    running_ = true;
    co_await scheduler_.run();
}

void engine::stop() {
    stopping_ = true;
    storage_.stop();
    sweeper_.stop();
    scheduler_.stop();
    changes_.close();
}

bool engine::try_to_record(const std::function<void()>& write) {
    if (storage_.trouble()) return false;
    try {
        write();
        return true;
    } catch (const sqlite::sqlite_error&) {
        if (!storage_.suspect(std::current_exception())) throw;
        return false;
    }
}

// Without the mark of a clean stop the next start looks closer.
void engine::mark_running() {
    (void)try_to_record([this] { ledger_.mark_stopped(false); });
}

void engine::mark_stopped() {
    (void)try_to_record([this] { ledger_.mark_stopped(true); });
}

void engine::storage_recovered() {
    mark_running();
    (void)try_to_record([this] {
        sweeper_.begin();
        make_due_what_waited();
    });
    changes_.bump();
    tell_(nullptr);
    scheduler_.wake();
}

// What waited for the disk does not wait longer.
void engine::make_due_what_waited() {
    const auto now = clock_.now_ms();
    const auto waited = [](const waiting& w) { return w.cause == errc::disk_full || w.cause == errc::io; };
    auto all_at_once = ledger_.begin();
    for (const auto& job : ledger_.jobs().list(true, std::numeric_limits<std::int64_t>::max()))
        if (waited(job.waiting)) ledger_.jobs().postpone(job, {now, 0, ""}, now);
    for (const auto& run : ledger_.runs().list_open())
        if (waited(run.waiting)) ledger_.runs().postpone(run.id, {now, 0, ""}, now);
    all_at_once.commit();
}

void engine::prune() {
    const auto retention = static_cast<std::int64_t>(settings().retention_days) * day_ms;
    const auto before = clock_.now_ms() - retention;
    // Files first: what a crash leaves in the ledger is pruned by the next look.
    (void)try_to_record([&] {
        for (const auto id : ledger_.prunable(before)) {
            if (const auto job = ledger_.jobs().find(id))
                spool_.remove_files(job->plan.file_name, job->batch_id);
            ledger_.prune(id);
        }
        if (adopter_.is_busy()) return;
        if (const auto swept = sweep_spool(ledger_, spool_, clock_.now_ms(), retention); swept > 0)
            log::info(fmt::format("{} files of the spool that no job needs were deleted", swept));
    });
}

} // namespace enrichd
