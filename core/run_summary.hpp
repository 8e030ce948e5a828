// What building a run found: rows considered, left out and why, and what the rest may cost.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/batch_request.hpp"
#include "core/error.hpp"
#include "core/kind.hpp"
#include "core/money.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd {

/// Rows of one kind. seen = selected + done + legacy + kept + no_text + too_short + in_flight + quarantined.
struct row_counts {
    std::int64_t seen = 0;
    std::int64_t selected = 0;
    std::int64_t done = 0;
    std::int64_t legacy = 0;
    std::int64_t kept = 0;
    std::int64_t no_text = 0;
    std::int64_t too_short = 0;
    std::int64_t in_flight = 0;
    std::int64_t quarantined = 0;
    std::int64_t identical = 0; ///< of the selected: those that share another row's request
};

struct authority_counts {
    std::int64_t rows = 0;
    std::int64_t requests = 0;
    std::int64_t input_tokens = 0;
    money bound;
};

struct kind_summary {
    enrichd::kind kind{};
    std::string model;
    std::string version;
    row_counts rows;
    file_totals totals;
    std::int64_t files = 0;
    std::int64_t replaced_texts = 0;       ///< texts with invalid UTF-8, of which parts were sent as U+FFFD
    std::set<std::int64_t> in_flight_jobs; ///< at most 20
    std::map<std::string, authority_counts> authorities;
    std::vector<std::string> warnings;
};

struct run_summary {
    std::vector<kind_summary> kinds;
    /// Where the bound passes the limit: the largest --limit that fits; 0 if not even one row does.
    std::optional<std::int64_t> would_fit;

    money bound() const;
    std::map<kind, money> bounds() const; ///< the same, by kind
    std::uint64_t requests() const;
};

/// The form of a summary in the ledger; authorities are kept, so that the report can tell them.
std::string to_json(const run_summary& s);
/// The reverse; what is not there is zero.
run_summary read_summary(std::string_view json);

} // namespace enrichd
