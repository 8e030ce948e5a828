// The limits of [budget] that hold over all runs: what counts against them, and what they leave.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/config.hpp"
#include "core/error.hpp"
#include "core/kind.hpp"
#include "core/money.hpp"
#include "state/ledger.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd {

/// One of day_usd, month_usd, month_summaries_usd and month_embeddings_usd.
struct spending_limit {
    std::string_view key;              ///< "day_usd"
    std::optional<enrichd::kind> kind; ///< absent: of both
    money limit;
    outlay out;                ///< since its beginning, and what is reserved now
    std::int64_t since_ms = 0; ///< 00:00 UTC of its day or month
    std::int64_t until_ms = 0; ///< and of the one that follows

    /// What is reserved may be billed within it, and so may what no usage was told of.
    money used() const { return out.spent + out.unproven + out.reserved; }
    /// Not less than nothing.
    money left() const { return limit > used() ? limit - used() : money{}; }
};

/// Those that are set.
std::vector<spending_limit> spending_limits(ledger& l, const budget_config& budget, std::int64_t now_ms);

/// What still may be reserved for this kind; absent: no limit is set.
std::optional<money> left_to_spend(ledger& l, const budget_config& budget, enrichd::kind k,
                                   std::int64_t now_ms);

/// Why so much more, by kind, may not be reserved: the limit that it would pass, and when that one begins
/// anew. No limit refuses nothing.
std::optional<error> why_not_reserve(ledger& l, const budget_config& budget,
                                     const std::map<enrichd::kind, money>& more, std::int64_t now_ms);

} // namespace enrichd
