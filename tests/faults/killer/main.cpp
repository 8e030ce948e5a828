// enrichd-killer: the real programs under kill -9, crashes of the database and a bad provider, for as long as
// wanted.
// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/killer/round.hpp"
#include "tests/support/last_will.hpp"
#include "tests/support/temp_folder.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>

using namespace enrichd::killer;

namespace {

struct arguments {
    std::uint64_t seed = 1;
    std::uint64_t rounds = 1;
    double minutes = 0;
    std::string keep;
    bool trace = false;
};

struct tally {
    std::uint64_t rounds = 0, failed = 0;
    std::int64_t kills = 0, stops = 0, runs = 0;
    std::size_t requests = 0, rows = 0;
};

void add_options(CLI::App& app, arguments& a) {
    app.add_option("--seed", a.seed, "of the first round; each round has the next one");
    app.add_option("--rounds", a.rounds, "how many");
    app.add_option("--minutes", a.minutes, "begin rounds for so long, however many that are");
    app.add_option("--keep", a.keep, "copy the folder of a failed round into this one");
    app.add_flag("--trace", a.trace, "tell each deed on stderr");
}

void one_round(std::uint64_t seed, const arguments& a, tally& t) {
    const auto plan = draw_plan(seed);
    const auto r = play(plan, a.keep, a.trace);
    ++t.rounds;
    t.kills += r.kills;
    t.stops += r.stops;
    t.runs += r.acknowledged;
    t.requests += r.requests;
    t.rows += r.rows;
    fmt::print("{} {}: {}; {} kills, {} stops of the database, {} runs, {} requests\n",
               r.found.empty() ? "ok    " : "FAILED", seed, to_string(plan), r.kills, r.stops, r.acknowledged,
               r.requests);
    if (!r.found.empty()) {
        ++t.failed;
        for (const auto& v : r.found)
            fmt::print("       {}\n", v);
        fmt::print("       repeat: enrichd-killer --seed {} --rounds 1 --keep DIR (a seed decides the deeds, "
                   "not the "
                   "moment that they hit)\n",
                   seed);
    }
    std::fflush(stdout);
}

// Killed, by a person or by a test driver that has no more patience, it leaves nothing behind: its programs
// die with it, and these folders go. What dies may write until then.
constexpr auto remove_folders = "for tries in 1 2 3 4 5 6 7 8 9 10; do rm -rf {} && exit; sleep 0.1; done";

} // namespace

int main(int argc, char** argv) {
    CLI::App app(
        "enrichd-killer: rounds of the real enrichd, enrichctl and enrich-sandbox on a real database, under "
        "kill -9 and faults of provider and database.");
    arguments a;
    add_options(app, a);
    CLI11_PARSE(app, argc, argv);
    const enrichd::test::temp_folder all_folders;
    const enrichd::test::last_will will(fmt::format(remove_folders, all_folders.path().string()));
    setenv("TMPDIR", all_folders.path().c_str(), 1);
    const auto begin = std::chrono::steady_clock::now();
    const auto seconds = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    tally t;
    const auto rounds = a.minutes > 0 ? std::numeric_limits<std::uint64_t>::max() : a.rounds;
    for (; t.rounds < rounds && (a.minutes <= 0 || seconds() < a.minutes * 60);)
        one_round(a.seed + t.rounds, a, t);
    fmt::print("{} rounds, {} failed; {} kills, {} stops of the database, {} runs acknowledged, {} requests, "
               "{} rows in "
               "{:.0f} s\n",
               t.rounds, t.failed, t.kills, t.stops, t.runs, t.requests, t.rows, seconds());
    return t.failed == 0 ? 0 : 1;
}
