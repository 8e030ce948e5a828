// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim/campaign.hpp"

#include <fmt/format.h>

#include <utility>

namespace enrichd::faults {

namespace {

// Of each recovery so many points are tried, each of them in as many cases.
constexpr std::uint64_t recovery_points = 6;

} // namespace

verdict campaign::one(const scenario& s, const std::string& repeat) {
    auto v = simulation(s, place_.fresh()).run();
    ++tally_.cases;
    tally_.lives += v.lives;
    tally_.turns += v.turns;
    tally_.virtual_ms += v.virtual_ms;
    tally_.seen.insert(v.seen.begin(), v.seen.end());
    if (!v.violations.empty()) tally_.failed.push_back({repeat, v.violations});
    return v;
}

void campaign::seeds(std::uint64_t from, std::uint64_t to) {
    for (auto seed = from; seed <= to && go_on_(tally_); ++seed)
        one(draw_scenario(seed), fmt::format("--seed {}", seed));
}

void campaign::points(std::uint64_t seed, int deep) {
    const auto calm = calm_scenario(seed);
    const auto alive = one(calm, fmt::format("--calm {}", seed));
    for (const auto& point : alive.first_life)
        dying(calm, {point}, deep);
}

void campaign::dying(const scenario& calm, std::vector<crash> crashes, int deep) {
    if (!go_on_(tally_)) return;
    auto s = calm;
    s.crashes = crashes;
    one(s, fmt::format("--calm {} --crash {}", s.seed, to_string(crashes)));
    if (deep <= 1) return;
    for (std::uint64_t n = 1; n <= recovery_points; ++n) {
        auto deeper = crashes;
        deeper.push_back({"any", moment::before, n});
        dying(calm, std::move(deeper), deep - 1);
    }
}

} // namespace enrichd::faults
