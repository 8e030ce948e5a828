// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim/power_supply.hpp"

#include "state/sqlite.hpp"
#include "tests/faults/sim/image_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace enrichd::faults {

namespace fs = std::filesystem;

power_supply::power_supply(fs::path disk, fate& f, const std::vector<power_loss>& losses,
                           const disk_life* reference)
    : disk_(std::move(disk)),
      scratch_(disk_.parent_path() / "image"),
      losses_(losses),
      reference_(reference),
      recorder_(disk_, f) {
    arm();
}

void power_supply::arm() {
    recorder_.die_at(next_ < losses_.size() ? std::optional(losses_[next_].at) : std::nullopt);
}

void power_supply::witness(sqlite3* ledger) {
    const bool is_known = reference_ && is_first_life();
    const bool matters =
        !reference_ || next_ < losses_.size(); // nothing is lost any more after the last loss
    if (matters && !is_known) commits_.push_back({recorder_.operations(), content_of(ledger)});
}

bool power_supply::is_lost() const {
    return next_ < losses_.size() && recorder_.operations() >= losses_[next_].at;
}

// The content after the last commit that returned, or after the one that was under way.
std::vector<std::string> power_supply::allowed_contents(const fs::path& state) const {
    const bool is_known = reference_ && is_first_life();
    const auto& commits = is_known ? reference_->commits : commits_;
    const auto after = std::find_if(commits.begin(), commits.end(),
                                    [this](const auto& c) { return c.operation > recorder_.operations(); });
    std::vector<std::string> allowed;
    if (after != commits.begin())
        allowed.push_back(std::prev(after)->content);
    else if (!content_at_start_.empty())
        allowed.push_back(content_at_start_);
    else
        return {}; // while the ledger is made nothing was acknowledged
    if (after != commits.end()) {
        allowed.push_back(after->content);
    } else if (!is_known) {
        // Nobody saw the commit that was under way: it is what the disk has if nothing is lost.
        put(recorder_.disk().image(image_kind::kept), scratch_);
        if (fs::exists(state / "ledger.db")) {
            sqlite::database db((state / "ledger.db").string(), sqlite::open_mode::read_write);
            allowed.push_back(content_of(db.handle()));
        }
    }
    return allowed;
}

std::vector<std::string> power_supply::come_back(const fs::path& state, sim_provider& provider) {
    const auto in_scratch = scratch_ / state.lexically_relative(disk_);
    auto violations = compare_with_truth();
    const auto at = recorder_.operations();
    if (reference_ && is_first_life() &&
        (at > reference_->traces.size() || recorder_.traces()[at - 1] != reference_->traces[at - 1]))
        violations.push_back(fmt::format("the case did not repeat itself up to operation {}", at));
    const auto allowed = allowed_contents(in_scratch);
    const auto& loss = losses_[next_++];
    recorder_.lose_power(loss);
    put(recorder_.disk().image(image_kind::kept), scratch_);
    auto found = look_into(in_scratch, provider);
    violations.insert(violations.end(), found.violations.begin(), found.violations.end());
    if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), found.content) == allowed.end())
        violations.push_back(fmt::format("I1: a transition that was acknowledged before operation {} is not "
                                         "in the ledger any more",
                                         at));
    content_at_start_ = std::move(found.content);
    commits_.clear();
    arm();
    return violations;
}

std::vector<std::string> power_supply::compare_with_truth() const {
    const auto model = recorder_.disk().image(image_kind::kept);
    const auto truth = recorder_.folder_now();
    if (model == truth) return {};
    for (const auto& [path, entry] : truth)
        if (const auto it = model.find(path); it == model.end() || it->second != entry)
            return {fmt::format("the model of the disk does not know what is in {}", path)};
    return {"the model of the disk has files that are not there"};
}

} // namespace enrichd::faults
