// The scenario in force: decides which fault meets which call, batch and line.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/sandbox/records.hpp"
#include "daemon/sandbox/scenario.hpp"

#include <memory>
#include <random>
#include <vector>

namespace enrichd::sandbox {

/// All that rules ask of one call, put together.
struct call_fault {
    double delay_seconds = 0;
    std::uint64_t bytes_per_second = 0;
    std::optional<std::uint64_t> cut_after;
    bool no_range = false;            ///< of a file's content: always whole, and without a validator
    bool other_file = false;          ///< of a file's content: it is another one
    std::optional<call_rule> failure; ///< the first rule of status or drop
};

/// Belongs to one thread; the scenario itself may be shared with the pool.
class fault_desk {
public:
    /// `seed` counts where the scenario has none.
    fault_desk(scenario s, std::uint64_t seed);

    call_fault on_call(operation o);
    /// Sets the batch's faults, its model's aside.
    void on_batch(batch_record& b);

    std::shared_ptr<const scenario> current() const { return scenario_; }

private:
    struct tally {
        std::uint64_t seen = 0;
        std::uint64_t hits = 0;
    };
    bool hit(const occurrence& when, tally& t);

    std::shared_ptr<const scenario> scenario_;
    std::mt19937_64 dice_;
    std::vector<tally> calls_;
    std::vector<tally> batches_;
    std::int64_t created_ = 0;
};

/// A request of a batch, as line rules see it.
struct line_place {
    const batch_record& batch;
    std::uint64_t number = 0; ///< of the line, counted from 1
    std::string_view custom_id;
    std::string_view text;
};

/// The first line rule that hits, and its count in `hits` (as long as the rules) is raised; null for none.
/// The same for the same scenario and batch, whoever asks.
const line_rule* line_fault(const scenario& s, const line_place& line, std::vector<std::uint64_t>& hits);

} // namespace enrichd::sandbox
