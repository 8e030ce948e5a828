// The disk with the ledger is lost in the middle of a round, and comes back empty or with a copy of before.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/faults/killer/victim.hpp"

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace enrichd::killer {

class ledger_loss {
public:
    ledger_loss(test::deployment& d, victim& v, const round_plan& p) : deployment_(d), victim_(v), plan_(p) {}

    /// Makes the copy that will be put back. Throws std::runtime_error.
    void back_up();
    /// Kills the daemon, takes the ledger away, puts the copy back if there is to be one, and starts it
    /// again: once the provider's list shows every batch, as nothing of the daemon's can know of one that it
    /// does not show. Throws std::runtime_error.
    void strike(chance& c);

    bool has_struck() const { return struck_; }
    /// The batches that there were when it struck, as the sandbox knew them.
    const std::vector<nlohmann::json>& batches() const { return batches_; }
    /// The files that the provider had then.
    const std::set<std::string>& files() const { return files_; }

private:
    void take_away();
    void wait_for_list() const;

    test::deployment& deployment_;
    victim& victim_;
    const round_plan& plan_;
    std::vector<nlohmann::json> known_by_copy_; ///< runs that were acknowledged before it was made
    std::vector<nlohmann::json> batches_;
    std::set<std::string> files_;
    bool struck_ = false;
};

/// What a user does after that: what can be adopted is, and jobs that are in the way are cancelled, as the
/// refusal says. True once there is nothing left to adopt.
bool take_in(victim& v);

} // namespace enrichd::killer
