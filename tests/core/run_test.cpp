// SPDX-License-Identifier: Apache-2.0
#include "core/run.hpp"

#include "tests/support/catch.hpp"

#include <map>
#include <utility>

using namespace enrichd;
using run_event = run::event;
using run_state = run::state;

namespace {

constexpr run_state all_run_states[] = {run_state::requested, run_state::building, run_state::open,
                                        run_state::done,      run_state::refused,  run_state::cancelled};
constexpr run_event all_run_events[] = {
    run_event::build_begun, run_event::built,         run_event::refused,        run_event::resent,
    run_event::finished,    run_event::cancel_wanted, run_event::cancel_finished};

const std::map<std::pair<run_state, run_event>, run_state>& run_transitions() {
    static const std::map<std::pair<run_state, run_event>, run_state> table = {
        {{run_state::requested, run_event::build_begun}, run_state::building},
        {{run_state::requested, run_event::cancel_wanted}, run_state::cancelled},
        {{run_state::building, run_event::build_begun}, run_state::building}, // begun again after a crash
        {{run_state::building, run_event::built}, run_state::open},
        {{run_state::building, run_event::refused}, run_state::refused},
        {{run_state::building, run_event::cancel_wanted}, run_state::cancelled},
        {{run_state::open, run_event::resent}, run_state::open},
        {{run_state::open, run_event::finished}, run_state::done},
        {{run_state::open, run_event::cancel_finished}, run_state::cancelled},
    };
    return table;
}

} // namespace

TEST_CASE("every pair of a run's state and event is legal or illegal as the table says", "[core][run]") {
    for (const auto s : all_run_states)
        for (const auto e : all_run_events) {
            CAPTURE(run::name(s), run::name(e));
            const auto to = run::apply(s, e);
            const auto expected = run_transitions().find({s, e});
            REQUIRE(to.has_value() == (expected != run_transitions().end()));
            if (to) {
                CHECK(*to == expected->second);
            } else {
                CHECK(to.error().code == errc::illegal_transition);
                CHECK(to.error().detail.find(std::string(run::name(s))) != std::string::npos);
            }
        }
}

TEST_CASE("a run is built, then settled, and owes nothing at its end", "[core][run]") {
    CHECK(run::next_effect(run_state::requested) == run::effect::build);
    CHECK(run::next_effect(run_state::building) == run::effect::build);
    CHECK(run::next_effect(run_state::open) == run::effect::settle);
    for (const auto s : {run_state::done, run_state::refused, run_state::cancelled}) {
        CHECK(run::next_effect(s) == run::effect::none);
        CHECK(run::has_ended(s));
    }
    for (const auto s : {run_state::requested, run_state::building, run_state::open})
        CHECK_FALSE(run::has_ended(s));
}

TEST_CASE("a run's state reads back from its word", "[core][run]") {
    for (const auto s : all_run_states)
        CHECK(run::parse_state(run::name(s)) == s);
    CHECK_FALSE(run::parse_state(""));
    CHECK_FALSE(run::parse_state("Open"));
    CHECK_FALSE(run::parse_state("merged"));
}
