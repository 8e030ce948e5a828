// enrichd-sim: the coordinator against simulated providers, targets and deaths, for as long as wanted.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/log.hpp"
#include "tests/faults/sim/campaign.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

using namespace enrichd;
using namespace enrichd::faults;

namespace {

struct arguments {
    std::optional<std::uint64_t> seed, calm, points;
    std::pair<std::uint64_t, std::uint64_t> seeds{1, 0};
    std::string crash;
    double minutes = 0;
    int deep = 1;
    bool trace = false;
};

void add_options(CLI::App& app, arguments& a) {
    app.add_option("--seeds", a.seeds, "run the cases of these seeds: FROM TO");
    app.add_option("--minutes", a.minutes, "run cases from --seeds' FROM on for so long");
    app.add_option("--seed", a.seed, "run the case of one seed");
    app.add_option("--calm", a.calm, "run the case of one seed without its faults");
    app.add_option("--points", a.points, "run the calm case of a seed, and die at each point that it passes");
    app.add_option("--deep", a.deep, "with --points: die again while recovering, up to so often")
        ->check(CLI::Range(1, 4));
    app.add_option("--crash", a.crash, "with --seed or --calm: POINT:before|after:N, one for each life");
    app.add_flag("--trace", a.trace, "let the daemon's log go to stderr");
}

int report(const tally& t, double seconds) {
    for (const auto& f : t.failed)
        for (const auto& v : f.violations)
            fmt::print("FAILED {}   repeat: enrichd-sim {}\n", v, f.repeat);
    fmt::print("{} cases, {} failed; {} lives, {} turns, {:.0f} simulated hours in {:.1f} s\n", t.cases,
               t.failed.size(), t.lives, t.turns, static_cast<double>(t.virtual_ms) / hour, seconds);
    return t.failed.empty() ? 0 : 1;
}

void run_cases(campaign& c, const arguments& a, std::vector<crash> crashes) {
    if (a.seed || a.calm) {
        auto s = a.seed ? draw_scenario(*a.seed) : calm_scenario(*a.calm);
        const auto repeat = fmt::format("{} {}{}", a.seed ? "--seed" : "--calm", s.seed,
                                        crashes.empty() ? "" : " --crash " + to_string(crashes));
        if (!crashes.empty()) s.crashes = std::move(crashes);
        c.one(s, repeat);
    } else if (a.points) {
        c.points(*a.points, a.deep);
    } else {
        c.seeds(a.seeds.first, a.minutes > 0 ? UINT64_MAX : a.seeds.second);
    }
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("enrichd-sim: simulated days of the coordinator, with faults and deaths.\n"
                 "A case follows from its seed; every failed one is printed with what repeats it.");
    arguments a;
    add_options(app, a);
    CLI11_PARSE(app, argc, argv);
    auto crashes = parse_crashes(a.crash);
    if (!crashes) {
        fmt::print(stderr, "--crash: expected POINT:before|after:N, several joined by commas; points are\n");
        for (const auto* p : fail_point::all())
            fmt::print(stderr, "  {}\n", p->name());
        return 2;
    }
    log::open(a.trace ? log::level::debug : log::level{});
    const auto begin = std::chrono::steady_clock::now();
    const auto passed = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    campaign c([&](const tally&) { return a.minutes <= 0 || passed() < a.minutes * 60; });
    run_cases(c, a, std::move(*crashes));
    return report(c.results(), passed());
}
