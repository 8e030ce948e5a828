// Results into the target, a slice at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/batch_result.hpp"
#include "daemon/effects.hpp"
#include "daemon/spool.hpp"
#include "daemon/target/target.hpp"
#include "state/ledger.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <span>

namespace enrichd {

/// A slice is some hundred lines of a results file: read, matched with what was asked, merged in one
/// transaction of the target, and recorded by the caller in one of the ledger. Its number is the target's
/// idempotency key, and the same cursor reads the same lines, so a crash between the two commits is answered
/// by the same outcomes again.
class merger {
public:
    merger(ledger& l, spool& s, boost::asio::any_io_executor pool)
        : ledger_(l), spool_(s), pool_(std::move(pool)) {}

    /// Lines of one slice at most (`[batch] merge_rows`). Holds from the next slice on: one that was begun is
    /// tried again as it was.
    void set_slice_lines(std::size_t lines) { slice_lines_ = lines; }
    std::size_t slice_lines() const { return slice_lines_; }

    boost::asio::awaitable<effect_outcome> merge(job::effect::merge what, job_row job,
                                                 std::shared_ptr<target::database> into);

private:
    struct matched; // an answer with the request that it is for

    boost::asio::awaitable<effect_outcome> merge_file(job::effect::merge what, job_row job,
                                                      std::shared_ptr<target::database> into);
    effect_outcome close_rest(const job::effect::merge& what, const job_row& job);
    bool lacks_lines(const job_row& job);
    std::vector<matched> match(const job_row& job, const std::vector<spool_line>& lines,
                               const std::vector<std::string>& ids, slice_record& record);
    std::vector<target::merge_row> rows_to_write(const job_row& job, std::vector<matched>& answers,
                                                 slice_record& record);
    static void read(matched& m, const job_plan& plan);
    static void record_ends(const std::vector<matched>& answers, const target::merge_reply& written,
                            slice_record& record);
    static request_end record_rows(const matched& m, std::span<const target::merged_row> ends,
                                   slice_record& record);
    bool pool_parts(const job_row& job, matched& m, slice_record& record);

    ledger& ledger_;
    spool& spool_;
    boost::asio::any_io_executor pool_;
    std::size_t slice_lines_ = 1000;
};

} // namespace enrichd
