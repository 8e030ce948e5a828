// The report of a run: what it was to do, what came of it, and what it cost.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/batch_status.hpp"
#include "core/kind.hpp"
#include "core/money.hpp"
#include "core/outcome.hpp"
#include "core/run_order.hpp"
#include "core/run_summary.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace enrichd {

/// A batch that was made beside a job's own: it cost money, and nothing of it was written to a row.
struct report_twin {
    std::string batch_id;
    std::string batch_status;   ///< the provider's last word
    std::int64_t completed = 0; ///< requests that it did
    bool ended = false;         ///< else what it cost is not known yet
    token_usage used;
    money actual;
    money unproven; ///< what it may have cost at most, where no usage was told
};

struct report_job {
    std::string id; ///< "7"
    enrichd::kind kind{};
    std::int64_t attempt = 1;
    std::string state;
    std::string batch_id;     ///< empty: there was none
    std::string batch_status; ///< the provider's last word; empty: there was none
    std::int64_t requests = 0;
    money bound;
    money actual;                         ///< with that of its twins
    std::int64_t strays = 0;              ///< result lines that answered nothing that was open
    std::optional<std::int64_t> queue_ms; ///< from built to submitted
    std::optional<std::int64_t> run_ms;   ///< from submitted to fetched
    std::optional<std::int64_t> merge_ms; ///< from fetched to merged
    std::vector<report_twin> twins;
};

/// One kind of the run: what building found, and what its jobs made of it.
struct report_kind {
    kind_summary built;
    token_usage used; ///< with that of twins, as the money
    money actual;
    std::map<outcome, std::int64_t> rows; ///< how the rows ended
    std::int64_t open_rows = 0;
    std::int64_t resent = 0; ///< requests that were sent again
    std::int64_t unsent = 0; ///< requests worth another try that the budget did not cover
};

/// Requests that ended for the same reason; each try counts.
struct report_cause {
    enrichd::kind kind{};
    outcome how{};
    int http_status = 0;
    std::string reason;
    std::int64_t count = 0;
    std::string sample_key;
};

struct report_facts {
    std::string run; ///< "r12"
    std::string command;
    std::string state;
    std::int64_t started_ms = 0;
    std::int64_t written_ms = 0;
    run_order order;
    money limit;
    std::string program_version;
    std::vector<report_kind> kinds;
    std::vector<report_job> jobs; ///< in the order of their files
    std::vector<report_cause> causes;
    std::int64_t causes_left_out = 0; ///< causes beyond those that are listed
};

/// For people. What comes from outside (ids, reasons, keys, names) is escaped: it cannot become markup.
std::string report_markdown(const report_facts& facts);

/// The same for programs: one JSON object, money as exact strings of dollars, every outcome with its number.
std::string report_json(const report_facts& facts);

/// Projected and actual money of all kinds.
money projected(const report_facts& facts);
money actual(const report_facts& facts);

} // namespace enrichd
