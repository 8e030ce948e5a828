// What a build, run or plan is to take.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "core/kind.hpp"
#include "core/money.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd {

struct run_order {
    std::vector<kind> kinds;              ///< in the order given; one for build
    std::optional<std::int64_t> since_ms; ///< rows dated then or later; UTC milliseconds
    std::optional<std::uint64_t> limit;   ///< rows per kind, after skips
    std::vector<std::string> authorities; ///< empty: all
    std::optional<money> budget;          ///< can only lower the profile's limit
    std::string profile = "full";         ///< "full" or "test"
    bool refresh_legacy = false;
    std::string adopted_batch; ///< the provider's id of a batch that another ledger made; empty: of none
};

/// "run", "build" or "adopt": the command that the order came from.
std::string_view command_of(const run_order& order, bool goes_on_by_itself);

/// The form of an order in the ledger.
std::string to_json(const run_order& order);
/// The reverse. Errors: internal, if the text is not what to_json() writes.
result<run_order> read_order(std::string_view json);

} // namespace enrichd
