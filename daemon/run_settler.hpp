// What happens to a run when a job of it has ended: what failed is sent again, or given up with its reason.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/clock.hpp"
#include "daemon/spool.hpp"
#include "state/ledger.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>

namespace enrichd {

/// A request is sent at most so often; then its rows are quarantined.
inline constexpr std::int64_t max_tries = 3;

class run_settler {
public:
    run_settler(ledger& l, spool& s, const clock& c, boost::asio::any_io_executor pool)
        : ledger_(l), spool_(s), clock_(c), pool_(std::move(pool)) {}

    /// Settles every ended job of the run that has open rows. True if all of the run's jobs have ended
    /// afterwards. Errors: io (the request file that is to be copied from).
    boost::asio::awaitable<result<bool>> settle(run_row run);

private:
    struct verdicts;

    verdicts judge(const run_row& run, const job_row& job);
    boost::asio::awaitable<result<void>> settle_job(run_row run, job_row job);
    void give_up(const job_row& job, const failed_request& r, bool tries_used);
    std::int64_t resend(const job_row& job, job_plan plan, const std::vector<failed_request>& requests);

    ledger& ledger_;
    spool& spool_;
    const clock& clock_;
    boost::asio::any_io_executor pool_;
};

} // namespace enrichd
