// The simulation itself: that it passes every point there is, repeats itself, and finds planted defects.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/log.hpp"
#include "tests/faults/mutants/mutant.hpp"
#include "tests/faults/sim/campaign.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace enrichd;
using namespace enrichd::faults;

namespace {

struct quiet {
    quiet() { log::open(log::level{}); }
    ~quiet() {
        become_mutant("");
        log::open(log::level::info);
    }
};

bool names(const std::vector<std::string>& violations, const std::string& invariant) {
    return std::any_of(violations.begin(), violations.end(),
                       [&](const auto& v) { return v.starts_with(invariant); });
}

bool names(const std::vector<failed_case>& failed, const std::string& invariant) {
    return std::any_of(failed.begin(), failed.end(),
                       [&](const auto& f) { return names(f.violations, invariant); });
}

// A copy of the ledger that is made while the first jobs are on their way to the provider, and put back when
// they are there.
bool old_copies_break(const std::string& invariant) {
    workplace place;
    auto s = forgetful_scenario(1, ledger_fate::restored);
    s.deeds.clear();
    s.crashes = parse_crashes("provider.get_batch:after:1").value();
    for (s.saved_with_commit = 14; s.saved_with_commit <= 20; ++s.saved_with_commit)
        if (names(simulation(s, place.fresh(s)).run().violations, invariant)) return true;
    return false;
}

// Whether the invariant is found broken where a ledger is lost while the provider fails for hours, and a list
// that cannot be read is all that tells what was bought.
bool outages_break(const std::string& invariant) {
    workplace place;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        auto s = forgetful_scenario(seed, ledger_fate::lost);
        s.deeds.clear();
        s.crashes = parse_crashes("provider.get_batch:after:1").value();
        s.calm_at = 30 * hour;
        s.outage = {15 * minute, 12 * hour, 0.03};
        s.repair.begins_runs = true;
        s.repair.unheeded = 5 * hour;
        if (names(simulation(s, place.fresh(s)).run().violations, invariant)) return true;
    }
    return false;
}

// Whether a case of these seeds finds the invariant broken. What breaks one may break others first.
bool finds_broken(const std::string& invariant, std::uint64_t seeds) {
    campaign c([&](const tally& t) { return !names(t.failed, invariant); });
    c.seeds(1, seeds);
    return names(c.results().failed, invariant) || old_copies_break(invariant) || outages_break(invariant);
}

} // namespace

TEST_CASE("cases pass every point that the code defines, and no other", "[faults]") {
    const quiet log;
    campaign c;
    c.seeds(1, 60);
    std::set<std::string> defined;
    for (const auto* p : fail_point::all())
        CHECK(defined.insert(p->name()).second); // no two have one name
    CHECK(c.results().seen == defined);
    for (const auto& f : c.results().failed)
        FAIL_CHECK(f.violations.front() << "   repeat: enrichd-sim " << f.repeat);
}

TEST_CASE("a seed is a case: the second time everything happens as the first", "[faults]") {
    const quiet log;
    workplace place;
    const auto s = draw_scenario(7);
    const auto once = simulation(s, place.fresh(s)).run();
    const auto again = simulation(s, place.fresh(s)).run();
    CHECK(once.turns == again.turns);
    CHECK(once.lives == again.lives);
    CHECK(once.virtual_ms == again.virtual_ms);
    CHECK(to_string(once.first_life) == to_string(again.first_life));
}

TEST_CASE("the machine dies where it is told to, in each of its lives", "[faults]") {
    const quiet log;
    workplace place;
    auto s = calm_scenario(2);
    s.crashes =
        parse_crashes("provider.create_batch:after:1,ledger.commit:before:1,provider.list_batches:before:1")
            .value();
    const auto v = simulation(s, place.fresh(s)).run();
    CHECK(v.lives == 4);
    CHECK(v.violations.empty());
    CHECK(to_string({v.first_life.back()}) == "provider.create_batch:after:1");
}

TEST_CASE("an old copy of the ledger, made while jobs are on their way to the provider, buys nothing twice",
          "[faults]") {
    const quiet log;
    for (const auto* invariant : {"I1", "I2", "I3", "I4", "I5", "I7"})
        CHECK_FALSE(old_copies_break(invariant));
}

TEST_CASE("a ledger that is lost while the provider fails for hours buys nothing twice", "[faults]") {
    const quiet log;
    for (const auto* invariant : {"I1", "I2", "I3", "I4", "I5", "I7"}) {
        CAPTURE(invariant);
        CHECK_FALSE(outages_break(invariant));
    }
}

TEST_CASE("crashes are read as they are printed, and nothing else is", "[faults]") {
    const std::string text = "provider.upload:before:2,any:before:17,spool.rename:after:1";
    CHECK(to_string(parse_crashes(text).value()) == text);
    for (const auto* wrong :
         {"x", "provider.upload", "provider.upload:before", "provider.upload:before:0",
          "provider.upload:during:1", "provider.nothing:before:1", "any:before:1x", ":::"})
        CHECK_FALSE(parse_crashes(wrong));
}

TEST_CASE("the campaign finds what is planted, and names the invariant", "[faults]") {
    const auto [mutant, invariant] = GENERATE(table<std::string, std::string>({
        {"ack_alone", "I1"},        {"line_lost", "I2"},       {"expired_dropped", "I2"},
        {"no_intent", "I3"},        {"create_repeated", "I3"}, {"one_look", "I3"},
        {"first_page_only", "I3"},  {"late_stopped", "I2"},    {"twin_left", "I3"},
        {"twin_unseen", "I3"},      {"settled_twice", "I4"},   {"unproven_lost", "I4"},
        {"bill_unread", "I4"},      {"twin_unbooked", "I4"},   {"over_budget", "I4"},
        {"other_key", "I5"},        {"gate_open", "I3"},       {"own_forgotten", "I3"},
        {"unsent_kept", "I3"},      {"gone_waited", "I7"},     {"storm", "I7"},
        {"forgotten", "I7"},        {"outage_proves", "I2"},   {"outage_ends_look", "I3"},
        {"refusal_believed", "I3"},
    }));
    const quiet log;
    CAPTURE(mutant);
    become_mutant(mutant);
    CHECK(finds_broken(invariant, 300));
}
