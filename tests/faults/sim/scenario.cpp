// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim/scenario.hpp"

#include <algorithm>

namespace enrichd::faults {

namespace {

// Faults come in kinds: a case has some of them, and often, rather than a little of everything.
double some(chance& c, double most) {
    return c.one_in(3) ? most * c.real() : 0;
}

void draw_calls(chance& c, call_faults& f) {
    f.busy = some(c, 0.3);
    f.lost = some(c, 0.3);
    f.unheard = some(c, 0.4);
    f.late = some(c, 0.3);
    f.not_found = some(c, 0.3);
}

void draw_outage(chance& c, scenario& s) {
    if (c.one_in(2))
        s.outage = {c.number(0, s.calm_at * 2 / 3), c.number(20 * minute, 6 * hour), c.real() / 2};
    // A line that comes twice stands for one that was cut off, as far as counting goes.
    if (c.one_in(3) && s.batches.line_twice == 0) s.calls.cut = 0.6 * c.real();
    // What the list does not show at once nobody can know of who was told that it does not exist.
    if (c.one_in(4) && s.list_lag == 0) s.calls.passed_on = 0.5 * c.real();
}

void draw_batches(chance& c, batch_faults& f) {
    f.line_error = some(c, 0.5);
    f.line_refused = some(c, 0.2);
    f.line_garbled = some(c, 0.3);
    f.line_missing = some(c, 0.3);
    f.line_twice = some(c, 0.4);
    f.expires = some(c, 0.6);
    f.fails = some(c, 0.3);
    f.queue_full = some(c, 0.6);
    f.sticks = some(c, 0.3);
    f.files_late = some(c, 0.5);
    f.no_error_file = some(c, 0.6);
    f.uncancellable = some(c, 0.6);
}

void draw_deeds(chance& c, scenario& s) {
    const auto at = [&] { return c.number(0, s.calm_at); };
    const auto add = [&](deed what, std::int64_t number) { s.deeds.push_back({at(), what, number}); };
    if (c.one_in(4)) {
        add(deed::pause, 0);
        s.deeds.push_back({s.deeds.back().at_ms + c.number(minute, 10 * hour), deed::resume, 0});
    }
    if (c.one_in(6)) add(c.one_in(3) ? deed::abandon : deed::cancel, 0);
    for (auto n = c.one_in(3) ? c.number(1, 3) : 0; n > 0; --n)
        add(deed::poll_now, 0);
    for (auto n = c.one_in(3) ? c.number(1, 3) : 0; n > 0; --n)
        add(deed::edit_row, c.number(0, s.rows - 1));
    if (c.one_in(4)) add(deed::delete_row, c.number(0, s.rows - 1));
    if (c.one_in(5)) {
        add(deed::block_target, 0);
        s.deeds.push_back({s.deeds.back().at_ms + c.number(minute, 8 * hour), deed::unblock_target, 0});
    }
    if (c.one_in(6)) add(deed::set_clock, c.number(-3 * hour, 3 * hour));
    std::stable_sort(s.deeds.begin(), s.deeds.end(),
                     [](const auto& a, const auto& b) { return a.at_ms < b.at_ms; });
}

// Long enough that the list shows all that the ledger knew, and what was still on its way: what nobody can
// see yet, nobody can keep from being bought again.
constexpr std::int64_t all_is_listed = promised_list_lag + 2 * minute;

void draw_repair(chance& c, scenario& s) {
    s.repair.down = c.number(all_is_listed, 3 * hour);
    s.repair.unheeded = c.number(0, c.one_in(2) ? 10 * minute : 5 * hour);
    s.repair.begins_runs = c.one_in(2);
    s.repair.spool_is_lost = c.one_in(2);
    s.repair.keeps_files = c.one_in(3);
    s.database.refused_row = 0; // that they are refused was in the ledger alone: they are bought again
}

// With these commits of its first life a run is built, and its jobs are submitted.
constexpr std::int64_t first_of_submitting = 14, last_of_submitting = 22;

void draw_ledger_losses(chance& c, scenario& s) {
    if (s.list_lag > promised_list_lag) return;
    draw_repair(c, s);
    if (c.one_in(3)) s.at_death = c.one_in(2) ? ledger_fate::lost : ledger_fate::restored;
    for (auto n = c.number(1, 3); n > 0; --n)
        s.deeds.push_back({c.number(0, s.calm_at / 2), deed::save_ledger, 0});
    for (auto n = c.number(1, 2); n > 0; --n)
        s.deeds.push_back(
            {c.number(0, s.calm_at), c.one_in(2) ? deed::lose_ledger : deed::restore_ledger, 0});
    if (c.one_in(2)) s.saved_with_commit = c.number(first_of_submitting, last_of_submitting);
    std::stable_sort(s.deeds.begin(), s.deeds.end(),
                     [](const auto& a, const auto& b) { return a.at_ms < b.at_ms; });
}

} // namespace

scenario calm_scenario(std::uint64_t seed) {
    chance c(seed * 2 + 1);
    scenario s;
    s.seed = seed;
    s.kinds = c.one_in(2)   ? std::vector{kind::summaries}
              : c.one_in(2) ? std::vector{kind::embeddings}
                            : std::vector{kind::summaries, kind::embeddings};
    s.rows = static_cast<int>(c.number(3, 9));
    s.file_requests = static_cast<std::uint64_t>(c.number(3, 20));
    s.merge_rows = static_cast<std::uint64_t>(c.number(1, 6));
    s.page = static_cast<std::size_t>(c.number(2, 5));
    s.strangers = static_cast<int>(c.number(0, 6));
    s.batch_life = c.number(20 * minute, 20 * hour);
    s.tells_usage = !c.one_in(3);
    s.oldest_first = c.one_in(8);
    s.list_lag = c.one_in(2) ? 0 : c.number(second, promised_list_lag - 3 * minute);
    if (c.one_in(10)) s.longest_sleep = minute;
    return s;
}

scenario draw_scenario(std::uint64_t seed) {
    auto s = calm_scenario(seed);
    s.calm_at = 30 * hour;
    chance c(seed * 2 + 0x5eed0000);
    draw_calls(c, s.calls);
    draw_batches(c, s.batches);
    s.database.unavailable = some(c, 0.5);
    s.database.ack_lost = some(c, 0.5);
    s.database.refused_row = some(c, 0.2);
    if (c.one_in(3)) s.budget_factor = 1 + c.real() / 4;
    draw_deeds(c, s);
    for (auto n = c.one_in(3) ? 0 : c.number(1, 6); n > 0; --n)
        s.crashes.push_back(
            {"any", moment::before, static_cast<std::uint64_t>(c.number(1, c.one_in(2) ? 20 : 200))});
    if (c.one_in(6)) {
        s.list_lag = c.number(promised_list_lag, longest_list_lag);
        (c.one_in(2) ? s.calls.unheard : s.calls.late) = 0.2 + c.real() / 2;
        if (c.one_in(2)) s.calls.refused = 0.2 + c.real() / 2; // a second try among them
    }
    if (c.one_in(4)) draw_ledger_losses(c, s);
    chance more(seed * 2 + 0x0a7a6e);
    draw_outage(more, s);
    // A line of a request has some 200 of them: the smallest queue takes one or two at a time.
    if (more.one_in(5)) {
        s.queue_tokens = more.number(400, 2400);
        s.batch_life = std::min(s.batch_life, 3 * hour); // in waves
    }
    return s;
}

scenario forgetful_scenario(std::uint64_t seed, ledger_fate what) {
    auto s = calm_scenario(seed);
    if (what == ledger_fate::kept) return s;
    chance c(seed * 2 + 0x10575);
    draw_repair(c, s);
    s.at_death = what;
    s.saved_with_commit = c.number(first_of_submitting, last_of_submitting);
    if (c.one_in(2)) s.deeds = {{c.number(0, s.batch_life), deed::save_ledger, 0}};
    return s;
}

std::string to_argument(ledger_fate what) {
    switch (what) {
    case ledger_fate::kept: return "";
    case ledger_fate::lost: return " --ledger lost";
    case ledger_fate::restored: return " --ledger restored";
    }
    return "";
}

scenario scripted_life(std::uint64_t seed) {
    auto s = calm_scenario(seed);
    s.models_disk = true;
    s.longest_sleep = 6 * hour;
    s.calm_at = s.batch_life + hour; // the first batches have their faults, the last ones have none
    s.batches.line_error = 0.6;
    s.batches.line_missing = 0.2;
    s.deeds = {{30 * second, deed::restart, 0}, {s.batch_life, deed::restart, 0}};
    return s;
}

} // namespace enrichd::faults
