// What happens to a run when a job of it has ended: what failed is sent again, or given up with its reason;
// what was cut goes on in smaller jobs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/config.hpp"
#include "daemon/clock.hpp"
#include "daemon/spool.hpp"
#include "state/ledger.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <vector>

namespace enrichd {

struct failed_text; // a text, and the requests of it that failed

/// A request is sent at most so often; then its rows are quarantined.
inline constexpr std::int64_t max_tries = 3;

/// Judges whole texts: a text of several parts is worth nothing unless all of them are answered, so its
/// failed parts are sent again together, or none is.
class run_settler {
public:
    run_settler(ledger& l, spool& s, const clock& c, boost::asio::any_io_executor pool)
        : ledger_(l), spool_(s), clock_(c), pool_(std::move(pool)) {}

    /// Settles every ended job of the run that has open rows, so that none has afterwards. True if all of the
    /// run's jobs have ended then. Errors: io (the request file that is to be copied from).
    boost::asio::awaitable<result<bool>> settle(std::int64_t run_id);

    /// The limits that what is sent again may not pass, beside its run's.
    void set_budget(const budget_config& b) { budget_ = b; }

private:
    struct verdicts;
    struct copied_file;

    verdicts judge(const run_row& run, const job_row& job);
    boost::asio::awaitable<result<void>> settle_job(std::int64_t run_id, std::int64_t job_id);
    boost::asio::awaitable<result<std::vector<copied_file>>> copy(job_row job,
                                                                  std::vector<failed_text> texts);
    std::vector<std::int64_t> write_down(const job_row& job, const verdicts& v,
                                         const std::vector<copied_file>& files, const std::string& lost);
    boost::asio::awaitable<void> drop(std::vector<copied_file>& files);
    std::int64_t resend(const job_row& job, const copied_file& file);
    void give_up(const job_row& job, const failed_text& t);
    void leave(const job_row& job, const failed_text& t, const std::string& why);
    void close_rest(const job_row& job);

    ledger& ledger_;
    spool& spool_;
    const clock& clock_;
    boost::asio::any_io_executor pool_;
    budget_config budget_;
};

} // namespace enrichd
