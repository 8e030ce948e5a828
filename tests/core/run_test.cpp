// SPDX-License-Identifier: Apache-2.0
#include "core/run.hpp"

#include "tests/support/catch.hpp"

#include <map>
#include <utility>

using namespace enrichd;
using run::event;
using run::state;

namespace {

constexpr state all_states[] = {state::requested, state::building, state::open,
                                state::done,      state::refused,  state::cancelled};
constexpr event all_events[] = {event::build_begun,    event::built,    event::refused,
                                event::resent,         event::finished, event::cancel_wanted,
                                event::cancel_finished};

const std::map<std::pair<state, event>, state>& transitions() {
    static const std::map<std::pair<state, event>, state> table = {
        {{state::requested, event::build_begun}, state::building},
        {{state::requested, event::cancel_wanted}, state::cancelled},
        {{state::building, event::build_begun}, state::building}, // begun again after a crash
        {{state::building, event::built}, state::open},
        {{state::building, event::refused}, state::refused},
        {{state::building, event::cancel_wanted}, state::cancelled},
        {{state::open, event::resent}, state::open},
        {{state::open, event::finished}, state::done},
        {{state::open, event::cancel_finished}, state::cancelled},
    };
    return table;
}

} // namespace

TEST_CASE("every pair of a run's state and event is legal or illegal as the table says", "[core][run]") {
    for (const auto s : all_states)
        for (const auto e : all_events) {
            CAPTURE(run::name(s), run::name(e));
            const auto to = run::apply(s, e);
            const auto expected = transitions().find({s, e});
            REQUIRE(to.has_value() == (expected != transitions().end()));
            if (to) {
                CHECK(*to == expected->second);
            } else {
                CHECK(to.error().code == errc::illegal_transition);
                CHECK(to.error().detail.find(std::string(run::name(s))) != std::string::npos);
            }
        }
}

TEST_CASE("a run is built, then settled, and owes nothing at its end", "[core][run]") {
    CHECK(run::next_effect(state::requested) == run::effect::build);
    CHECK(run::next_effect(state::building) == run::effect::build);
    CHECK(run::next_effect(state::open) == run::effect::settle);
    for (const auto s : {state::done, state::refused, state::cancelled}) {
        CHECK(run::next_effect(s) == run::effect::none);
        CHECK(run::has_ended(s));
    }
    for (const auto s : {state::requested, state::building, state::open})
        CHECK_FALSE(run::has_ended(s));
}

TEST_CASE("a run's state reads back from its word", "[core][run]") {
    for (const auto s : all_states)
        CHECK(run::parse_state(run::name(s)) == s);
    CHECK_FALSE(run::parse_state(""));
    CHECK_FALSE(run::parse_state("Open"));
    CHECK_FALSE(run::parse_state("merged"));
}
