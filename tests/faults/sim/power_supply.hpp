// The power of the simulated machine: when it goes, what was promised by then, and what is there when it
// comes back.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/faults/sim/disk_recorder.hpp"
#include "tests/faults/sim/power_loss.hpp"
#include "tests/faults/sim/sim_provider.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

struct sqlite3;

namespace enrichd::faults {

/// A commit that returned, and what the ledger held then.
struct acknowledged_commit {
    std::uint64_t operation = 0; ///< the last one on the disk by then
    std::string content;         ///< a digest of all tables
};

/// What a case does to its disk while power lasts: it does the same up to where power is lost.
struct disk_life {
    std::vector<std::uint64_t> traces;
    std::vector<acknowledged_commit> commits;
};

class power_supply {
public:
    /// `disk`: an empty folder, the root of the machine's disk. `reference`: of the same case without losses;
    /// may be null, and outlives us. `losses` too.
    power_supply(std::filesystem::path disk, fate& f, const std::vector<power_loss>& losses,
                 const disk_life* reference);

    /// The ledger is open, or has committed: what it holds now must survive.
    void witness(sqlite3* ledger);
    /// The machine died because power was lost, and not by another death that leaves the disk as it is.
    bool is_lost() const;
    /// The disk becomes what was left of it; returns what is wrong with that: a ledger that would be refused
    /// or has damage, commits that were acknowledged and are gone, and files that it tells of and that are
    /// not there or are not whole. `state`: the state directory, below the disk's root.
    std::vector<std::string> come_back(const std::filesystem::path& state, sim_provider& provider);

    std::uint64_t losses() const { return next_; } ///< so far
    /// What was done so far, since power was last lost.
    disk_life life() const { return {recorder_.traces(), commits_}; }
    /// Violations unless the model and the folder agree: then an operation went past the recorder.
    std::vector<std::string> compare_with_truth() const;

private:
    bool is_first_life() const { return next_ == 0; }
    std::vector<std::string> allowed_contents(const std::filesystem::path& state) const;
    void arm();

    std::filesystem::path disk_;
    std::filesystem::path scratch_; ///< beside it: an image that is looked into, and thereby changed
    const std::vector<power_loss>& losses_;
    const disk_life* reference_;
    disk_recorder recorder_;
    std::size_t next_ = 0; ///< of the losses
    std::vector<acknowledged_commit> commits_;
    std::string content_at_start_; ///< of the ledger, when power came back
};

} // namespace enrichd::faults
