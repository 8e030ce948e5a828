// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim/campaign.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace enrichd::faults {

namespace {

// Of each recovery so many points are tried, each of them in as many cases.
constexpr std::uint64_t recovery_points = 6;

constexpr std::array all_kinds = {image_kind::kept, image_kind::dropped, image_kind::random};

// After a loss, power is lost again with these: while the ledger is opened, and soon after.
constexpr std::array<std::uint64_t, 5> recovery_operations = {1, 2, 5, 13, 40};

} // namespace

verdict campaign::one(const scenario& s, const std::string& repeat) {
    if (s.losses.empty()) return one(s, repeat, nullptr);
    auto lasting = s;
    lasting.losses.clear();
    const auto reference = simulation(lasting, place_.fresh(lasting)).run();
    return one(s, repeat, &reference.disk);
}

verdict campaign::one(const scenario& s, const std::string& repeat, const disk_life* reference) {
    auto v = simulation(s, place_.fresh(s), reference).run();
    ++tally_.cases;
    tally_.lives += v.lives;
    tally_.turns += v.turns;
    tally_.images += v.images;
    tally_.virtual_ms += v.virtual_ms;
    tally_.seen.insert(v.seen.begin(), v.seen.end());
    if (!v.violations.empty()) tally_.failed.push_back({repeat, v.violations});
    return v;
}

void campaign::seeds(std::uint64_t from, std::uint64_t to) {
    for (auto seed = from; seed <= to && go_on_(tally_); ++seed)
        one(draw_scenario(seed), fmt::format("--seed {}", seed));
}

void campaign::points(std::uint64_t seed, int deep, ledger_fate ledger) {
    const auto calm = forgetful_scenario(seed, ledger);
    const auto repeat = fmt::format("--calm {}{}", seed, to_argument(ledger));
    const auto alive = one(calm, repeat);
    for (const auto& point : alive.first_life)
        dying(calm, repeat, {point}, deep);
}

void campaign::dying(const scenario& calm, const std::string& repeat, std::vector<crash> crashes, int deep) {
    if (!go_on_(tally_)) return;
    auto s = calm;
    s.crashes = crashes;
    one(s, fmt::format("{} --crash {}", repeat, to_string(crashes)));
    if (deep <= 1) return;
    for (std::uint64_t n = 1; n <= recovery_points; ++n) {
        auto deeper = crashes;
        deeper.push_back({"any", moment::before, n});
        dying(calm, repeat, std::move(deeper), deep - 1);
    }
}

void campaign::losses(scenario s, const std::string& repeat, std::uint64_t every, int deep) {
    s.models_disk = true;
    reference_ = one(s, repeat + " --model-disk", nullptr).disk;
    for (std::uint64_t at = 1; at <= reference_.traces.size(); at += every)
        for (const auto how : all_kinds)
            losing(s, repeat, {{at, how, at}}, deep);
}

void campaign::losing(const scenario& s, const std::string& repeat, std::vector<power_loss> losses,
                      int deep) {
    if (!go_on_(tally_)) return;
    auto lossy = s;
    lossy.losses = losses;
    one(lossy, fmt::format("{} --loss {}", repeat, to_string(losses)), &reference_);
    if (deep <= 1) return;
    for (const auto again : recovery_operations) {
        auto deeper = losses;
        deeper.push_back({again, all_kinds[(losses.front().at + again) % all_kinds.size()], again});
        losing(s, repeat, std::move(deeper), deep - 1);
    }
}

} // namespace enrichd::faults
