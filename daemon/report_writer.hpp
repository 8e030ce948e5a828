// Writes the report of a run, from what the ledger knows.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/report.hpp"
#include "daemon/clock.hpp"
#include "daemon/spool.hpp"
#include "state/ledger.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>

namespace enrichd {

class report_writer {
public:
    report_writer(ledger& l, const spool& s, const clock& c, boost::asio::any_io_executor pool)
        : ledger_(l), spool_(s), clock_(c), pool_(std::move(pool)) {}

    /// Writes enrichment_report.md and enrichment_report.json into the run's folder, and lets "latest" point
    /// there. To be called when every job of the run has ended, before the run itself is; again after a
    /// crash. And after the run's end, when what it cost is told better: then "latest" stays where it is, for
    /// it may be with a newer run. Errors: not_found, io.
    boost::asio::awaitable<result<void>> write(std::int64_t run_id);

private:
    ledger& ledger_;
    const spool& spool_;
    const clock& clock_;
    boost::asio::any_io_executor pool_;
};

/// What the report of a run tells, as of `now_ms`.
report_facts gather_facts(ledger& l, const run_row& run, std::int64_t now_ms);

} // namespace enrichd
