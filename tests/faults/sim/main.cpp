// enrichd-sim: the coordinator against simulated providers, targets and deaths, for as long as wanted.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/log.hpp"
#include "tests/faults/sim/campaign.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

using namespace enrichd;
using namespace enrichd::faults;

namespace {

struct arguments {
    std::optional<std::uint64_t> seed, calm, life, points;
    std::pair<std::uint64_t, std::uint64_t> seeds{1, 0};
    std::string crash, loss;
    ledger_fate ledger = ledger_fate::kept;
    double minutes = 0;
    std::uint64_t every = 1;
    int deep = 1;
    bool power_loss = false, model_disk = false, trace = false;
};

const std::map<std::string, ledger_fate> ledger_fates = {
    {"kept", ledger_fate::kept}, {"lost", ledger_fate::lost}, {"restored", ledger_fate::restored}};

void add_options(CLI::App& app, arguments& a) {
    app.add_option("--seeds", a.seeds, "run the cases of these seeds: FROM TO");
    app.add_option("--minutes", a.minutes, "run cases from --seeds' FROM on for so long");
    app.add_option("--seed", a.seed, "run the case of one seed");
    app.add_option("--calm", a.calm, "run the case of one seed without its faults");
    app.add_option("--life", a.life, "run the case of one seed that is scripted for losses of power");
    app.add_option("--points", a.points, "run the calm case of a seed, and die at each point that it passes");
    app.add_flag("--power-loss", a.power_loss,
                 "with a case or --seeds: lose power with each operation on the disk, three ways");
    app.add_option("--every", a.every, "with --power-loss: with every so many operations only")
        ->check(CLI::PositiveNumber);
    app.add_option("--deep", a.deep, "with --points and --power-loss: again while recovering, up to so often")
        ->check(CLI::Range(1, 4));
    app.add_option("--crash", a.crash, "with a case: POINT:before|after:N, one for each life");
    app.add_option(
        "--loss", a.loss,
        "with a case: lose power with operation N, N:kept|dropped|random:SEED, one after the other");
    app.add_option("--ledger", a.ledger,
                   "with --calm and --points: what becomes of the ledger where the machine dies first")
        ->transform(CLI::CheckedTransformer(ledger_fates));
    app.add_flag("--model-disk", a.model_disk, "with a case: from an empty disk on, as where power is lost");
    app.add_flag("--trace", a.trace, "let the daemon's log go to stderr");
}

constexpr double seconds_between_lines = 10;

void tell_progress(const tally& t, double seconds) {
    fmt::print(stderr, "{:.0f} s: {} cases, {} failed; {} images of the disk{}\n", seconds, t.cases,
               t.failed.size(), t.images,
               t.failed.empty() ? "" : "; the first: enrichd-sim " + t.failed.front().repeat);
}

int report(const tally& t, double seconds) {
    for (const auto& f : t.failed)
        for (const auto& v : f.violations)
            fmt::print("FAILED {}   repeat: enrichd-sim {}\n", v, f.repeat);
    fmt::print("{} cases, {} failed; {} lives, {} images of the disk, {} turns, {:.0f} simulated hours in "
               "{:.1f} s\n",
               t.cases, t.failed.size(), t.lives, t.images, t.turns, static_cast<double>(t.virtual_ms) / hour,
               seconds);
    return t.failed.empty() ? 0 : 1;
}

// The one case that the arguments name; absent: there is none.
std::optional<std::pair<scenario, std::string>> named_case(const arguments& a) {
    if (a.seed) return std::pair(draw_scenario(*a.seed), fmt::format("--seed {}", *a.seed));
    if (a.calm)
        return std::pair(forgetful_scenario(*a.calm, a.ledger),
                         fmt::format("--calm {}{}", *a.calm, to_argument(a.ledger)));
    if (a.life) return std::pair(scripted_life(*a.life), fmt::format("--life {}", *a.life));
    return std::nullopt;
}

void run_case(campaign& c, const arguments& a, scenario s, std::string repeat) {
    if (auto crashes = parse_crashes(a.crash).value(); !crashes.empty()) {
        repeat += " --crash " + to_string(crashes);
        s.crashes = std::move(crashes);
    }
    s.losses = parse_losses(a.loss).value();
    s.models_disk |= a.model_disk || !s.losses.empty();
    if (!s.losses.empty()) repeat += " --loss " + to_string(s.losses);
    if (a.power_loss)
        c.losses(std::move(s), repeat, a.every, a.deep);
    else
        c.one(s, repeat);
}

void run_cases(campaign& c, const arguments& a) {
    const auto last_seed = a.minutes > 0 ? UINT64_MAX : a.seeds.second;
    if (auto named = named_case(a)) {
        run_case(c, a, std::move(named->first), std::move(named->second));
    } else if (a.points) {
        c.points(*a.points, a.deep, a.ledger);
    } else if (a.power_loss) {
        for (auto seed = a.seeds.first; seed <= last_seed && c.goes_on(); ++seed)
            c.losses(draw_scenario(seed), fmt::format("--seed {}", seed), a.every, a.deep);
    } else {
        c.seeds(a.seeds.first, last_seed);
    }
}

int refuse(std::string_view what) {
    fmt::print(stderr, "{}\n", what);
    return 2;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("enrichd-sim: simulated days of the coordinator, with faults and deaths.\n"
                 "A case follows from its seed; every failed one is printed with what repeats it.");
    arguments a;
    add_options(app, a);
    CLI11_PARSE(app, argc, argv);
    if (!parse_crashes(a.crash)) {
        std::string points;
        for (const auto* p : fail_point::all())
            points += fmt::format("\n  {}", p->name());
        return refuse("--crash: expected POINT:before|after:N, several joined by commas; points are" +
                      points);
    }
    if (!parse_losses(a.loss))
        return refuse("--loss: expected N:kept, N:dropped or N:random:SEED, several joined by commas");
    log::open(a.trace ? log::level::debug : log::level{});
    const auto begin = std::chrono::steady_clock::now();
    const auto passed = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    double told = 0;
    campaign c([&](const tally& t) {
        if (passed() > told + seconds_between_lines) tell_progress(t, told = passed());
        return a.minutes <= 0 || passed() < a.minutes * 60;
    });
    run_cases(c, a);
    return report(c.results(), passed());
}
