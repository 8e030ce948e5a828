// Many cases: seeds, every point, and crashes on the way back.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/faults/sim/simulation.hpp"

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace enrichd::faults {

struct failed_case {
    std::string repeat; ///< the arguments of enrichd-sim that repeat it
    std::vector<std::string> violations;
};

struct tally {
    std::uint64_t cases = 0, lives = 0, turns = 0, images = 0;
    std::int64_t virtual_ms = 0;
    std::set<std::string> seen;
    std::vector<failed_case> failed;
};

class campaign {
public:
    /// `go_on` is asked before every case.
    explicit campaign(std::function<bool(const tally&)> go_on = [](const tally&) { return true; })
        : go_on_(std::move(go_on)) {}

    void seeds(std::uint64_t from, std::uint64_t to);
    /// A calm case, and then the machine dies at each point that it passed, before and after: once, and
    /// `deep` times in a row, at the first points of each recovery. With the first death the ledger may be
    /// lost, or an old copy be put back.
    void points(std::uint64_t seed, int deep, ledger_fate ledger = ledger_fate::kept);
    /// A case that models its disk, and then power is lost with each of its operations, or with every
    /// `every`th: everything is kept, what was not synced is dropped, and a random part of that is kept.
    /// `deep` times in a row: after the first loss, again in the recovery.
    void losses(scenario s, const std::string& repeat, std::uint64_t every, int deep);
    verdict one(const scenario& s, const std::string& repeat);

    const tally& results() const { return tally_; }
    bool goes_on() const { return go_on_(tally_); }

private:
    void dying(const scenario& calm, const std::string& repeat, std::vector<crash> crashes, int deep);
    void losing(const scenario& s, const std::string& repeat, std::vector<power_loss> losses, int deep);
    verdict one(const scenario& s, const std::string& repeat, const disk_life* reference);

    workplace place_;
    tally tally_;
    disk_life reference_; ///< of losses()
    std::function<bool(const tally&)> go_on_;
};

} // namespace enrichd::faults
