// What the simulated user does: migrates, starts runs until there is nothing left to do, and meddles.
// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim/simulation.hpp"

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <stdexcept>

namespace enrichd::faults {

namespace {

constexpr std::size_t most_runs = 15;
constexpr std::int64_t picodollars_per_row =
    68 * (picodollars_per_dollar / 1'000'000); // more than any row needs

run_order order_of(const scenario& s) {
    run_order order;
    order.kinds = s.kinds;
    if (s.budget_factor)
        order.budget = money{static_cast<std::int64_t>(*s.budget_factor * static_cast<double>(s.rows) *
                                                       static_cast<double>(picodollars_per_row))};
    return order;
}

// Beside the daily look through the provider's files.
bool owes_work(ledger& l) {
    auto& owed = l.chores();
    return owed.is_owed(chore::find_twins) || owed.is_owed(chore::follow_twin) ||
           owed.is_owed(chore::delete_input) || owed.is_owed(chore::delete_result) ||
           owed.is_owed(chore::write_report);
}

bool is_of_adopted_batch(const run_row& r) {
    const auto order = read_order(r.order_json);
    return order && !order->adopted_batch.empty();
}

bool was_refused(ledger& l, std::int64_t run_id) {
    const auto jobs = l.jobs().of_run(run_id);
    return std::any_of(jobs.begin(), jobs.end(),
                       [](const auto& j) { return std::holds_alternative<job::failed>(j.state); });
}

} // namespace

// A command counts as acknowledged if its answer came from a machine that lived to give it.
bool simulation::acknowledged(const std::function<bool(live_operations&)>& command) {
    try {
        const bool done = command(machine_->brain->operations());
        return done && !fate_.dead();
    } catch (const std::exception& e) {
        if (!fate_.dead()) violated(fmt::format("I7: a command failed: {}", e.what()));
        return false;
    }
}

boost::asio::awaitable<void> simulation::migrate() {
    auto& operations = machine_->brain->operations();
    const auto steps = co_await operations.migration_plan();
    const auto done = co_await operations.migrate();
    const auto plan = co_await operations.plan(order_of(scenario_));
    if (!steps || !done) violated("I7: the target could not be migrated");
    // A plan may find the target away; it promises nothing.
    if (!plan && plan.error().code != errc::target_unavailable)
        violated("I7: a plan failed: " + plan.error().detail);
    migrated_ = true;
}

// False: there is nothing more to be done, and the case is over.
bool simulation::use() {
    if (!migrated_) {
        if (!std::exchange(machine_->asked_to_migrate, true))
            boost::asio::co_spawn(machine_->loop, migrate(), [this](std::exception_ptr e) {
                if (e && !fate_.dead()) violated("I7: the migration ended early");
            });
        return true;
    }
    while (machine_ && next_deed_ < scenario_.deeds.size() && !fate_.dead() &&
           begin_ms_ + scenario_.deeds[next_deed_].at_ms <= time_.now_ms())
        do_deed(scenario_.deeds[next_deed_]);
    if (fate_.dead() || !machine_) return true;
    // An old copy may be of a time when it was paused.
    if (next_deed_ == scenario_.deeds.size() && machine_->brain->ledger().paused()) {
        promised_.paused.reset();
        if (acknowledged([](live_operations& o) { return o.resume().has_value(); })) promised_.paused = false;
    }
    if (fate_.dead() || tends_unknown()) return true;
    if (!run_) {
        begin_run();
        return true;
    }
    if (!run_has_ended()) return true;
    auto& l = machine_->brain->ledger();
    const auto run = l.runs().find(*run_).value();
    if (!l.runs().list_open().empty()) return true; // one of a batch that showed up late
    // What a batch that was adopted did not answer, this run may not have seen: its rows were in flight.
    const bool saw_all = began_alone_ && l.runs().list(1).front().id == run.id;
    const bool is_last = run.state == run::state::done && l.jobs().of_run(run.id).empty() && saw_all;
    const bool is_calm = time_.now_ms() >= begin_ms_ + scenario_.calm_at;
    if (is_last && is_calm) return owes_work(l) || adopts_at_;
    if (begun_ >= most_runs && is_calm) {
        violated(fmt::format("I5: after {} runs there is still something to build", begun_));
        return false;
    }
    if (is_last || (!is_calm && was_refused(l, run.id))) // nobody begins again in the same minute
        time_.advance_to(std::min(time_.now_ms() + 5 * hour, begin_ms_ + scenario_.calm_at));
    begin_run();
    return true;
}

bool simulation::run_has_ended() {
    const auto run = machine_->brain->ledger().runs().find(*run_);
    return run && run::has_ended(run->state);
}

void simulation::begin_run() {
    // A command without an answer may have been heard: the user looks before it is given again.
    auto runs = machine_->brain->ledger().runs().list(1000);
    std::erase_if(runs, [](const auto& r) { return is_of_adopted_batch(r); });
    const bool known = runs.empty() || (!promised_.runs.empty() && runs.front().id == promised_.runs.back());
    if (!known) {
        run_ = runs.front().id;
        promised_.runs.push_back(*run_);
        return;
    }
    std::string name;
    began_alone_ = machine_->brain->ledger().runs().list_open().empty();
    const auto order = order_of(scenario_);
    const bool accepted = acknowledged([&](live_operations& o) {
        const auto reply = o.start_run(order);
        if (!reply) throw std::runtime_error(reply.error().detail);
        name = (*reply)["run"]["id"].get<std::string>();
        return true;
    });
    if (!accepted) return;
    ++begun_;
    run_ = parse_run_name(name);
    promised_.runs.push_back(run_.value());
}

void simulation::do_deed(const planned_deed& d) {
    bool done = true;
    switch (d.what) {
    case deed::pause:
        promised_.paused.reset();
        done = acknowledged([](live_operations& o) { return o.pause().has_value(); });
        if (done) promised_.paused = true;
        break;
    case deed::resume:
        promised_.paused.reset();
        done = acknowledged([](live_operations& o) { return o.resume().has_value(); });
        if (done) promised_.paused = false;
        break;
    case deed::cancel: done = cancel(false); break;
    case deed::abandon: done = cancel(true); break;
    case deed::poll_now:
        for (const auto& job : machine_->brain->ledger().jobs().list(true, 100))
            if (!fate_.dead())
                acknowledged([&](live_operations& o) { return o.poll(job_name(job.id)).has_value(); });
        done = !fate_.dead();
        break;
    case deed::edit_row: target_.edit(d.number); break;
    case deed::delete_row: target_.remove(d.number); break;
    case deed::block_target: target_.block(true); break;
    case deed::unblock_target: target_.block(false); break;
    case deed::set_clock:
        clock_.set_by(d.number);
        machine_->alarm.ring(); // as the kernel's timer does
        break;
    case deed::restart:
        stop_cleanly();
        done = !fate_.dead();
        break;
    case deed::save_ledger: done = save_ledger(); break;
    case deed::lose_ledger: lose_ledger(ledger_fate::lost); break;
    case deed::restore_ledger: lose_ledger(ledger_fate::restored); break;
    }
    if (done) ++next_deed_;
}

bool simulation::cancel(bool abandon) {
    if (!run_ || run_has_ended()) return true;
    if (abandon) promised_.abandoned.insert(*run_); // from the moment that it is asked for, heard or not
    const bool done = acknowledged([&](live_operations& o) {
        const auto reply = o.cancel(run_name(*run_), abandon);
        return reply.has_value() || reply.error().code == errc::state_conflict;
    });
    if (done) promised_.cancelled.insert(*run_);
    return done;
}

} // namespace enrichd::faults
