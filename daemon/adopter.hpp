// Batches that the provider has of enrichd and the ledger does not know: shown, and taken into the ledger.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/batch_label.hpp"
#include "core/batch_status.hpp"
#include "daemon/batch_matcher.hpp"
#include "daemon/clock.hpp"
#include "daemon/provider/provider.hpp"
#include "daemon/run_builder.hpp"
#include "daemon/spool.hpp"
#include "state/ledger.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace enrichd {

struct adoptable;

/// A batch with our label that no job of the ledger has.
struct unknown_batch {
    batch_object batch;
    batch_label label;
    std::string obstacle;     ///< why it cannot be adopted; empty: it can
    bool is_unsure = false;   ///< the obstacle is that the target cannot be reached now
    bool may_come = false;    ///< the obstacle may go: files not named yet, a column that is missing
    bool is_next_try = false; ///< of a job that is still busy with an earlier one: that one's end makes way
    bool is_bill = false;     ///< adopting it books what it cost: its answers are not to be had
    std::optional<std::int64_t> twin_of; ///< of this job, which has another: not stopped and booked yet
    std::optional<std::int64_t> own_job; ///< of this job, which is without a batch as far as the ledger knows
};

struct unknown_batches {
    std::vector<unknown_batch> batches; ///< newest first
    std::vector<std::string> warnings;  ///< another installation works, or worked, on this target
};

struct adoption {
    std::int64_t job_id = 0;
    bool was_known = false;     ///< the ledger had it before: nothing was changed
    bool from_answers = false;  ///< the request file is gone, and the files of results were read instead
    bool only_booked = false;   ///< its answers are not to be had: what it cost is booked, and that is all
    std::int64_t requests = 0;  ///< of the batch
    std::int64_t rows = 0;      ///< that its results will be written to
    std::int64_t in_flight = 0; ///< of these, rows that another job has too: the first answer is written
    std::int64_t unmatched = 0; ///< requests of which no row needs the result
    std::vector<std::int64_t> unsent; ///< jobs that held such rows and had sent nothing: cancelled
};

/// Reads at the provider and at the target, and never sends or cancels anything. What it makes is a run of
/// one job that is polled, fetched, merged, settled and reported like any other; requests that failed are not
/// sent again by it, since another batch may have done so: the next run takes their rows.
class adopter {
public:
    /// References outlive the object.
    adopter(ledger& l, spool& s, const clock& c, boost::asio::any_io_executor pool);

    void set_provider(std::shared_ptr<provider::client> client) { client_ = std::move(client); }

    /// The provider's list, back to this time. Errors: provider_*.
    boost::asio::awaitable<result<unknown_batches>> list(build_settings with, std::int64_t since_ms = 0);

    /// The batch's job with its requests and rows, in one transaction at the end: what ends before it leaves
    /// at most a file in the spool, which the next try overwrites. Where its answers are not to be had any
    /// more, and the provider tells what it billed, a job that has ended and has no requests. Errors:
    /// not_found (no such batch, or neither answers nor bill are to be had any more), state_conflict (an
    /// obstacle that stays), unavailable (not now: a run in the making, another adoption under way, no
    /// results yet), provider_*, target_*, io.
    boost::asio::awaitable<result<adoption>> adopt(std::string batch_id, build_settings with);
    /// An adoption is under way, with files in the spool that no job has yet.
    bool is_busy() const { return busy_; }

private:
    template <class T>
    using awaitable = boost::asio::awaitable<T>;

    awaitable<result<std::vector<unknown_batch>>> read_list(std::int64_t since_ms);
    awaitable<result<adoption>> adopt_alone(std::string batch_id, build_settings with);
    awaitable<result<sent_lines>> download_lines(batch_object batch, batch_label label);
    /// What the files of results tell of a batch's requests.
    struct answers {
        sent_lines sent;
        std::vector<std::filesystem::path> files; ///< those that are there
        std::uint64_t bytes = 0;                  ///< of them
        std::string gone;                         ///< what the provider says of the others
    };
    awaitable<result<sent_lines>> download_answers(batch_object batch, error why);
    awaitable<result<answers>> fetch_answers(batch_object batch);
    awaitable<result<matched_batch>> match(recipe r, batch_label label, sent_lines sent, bool is_of_now,
                                           build_settings with);
    awaitable<result<adoption>> adopt_other_version(unknown_batch b, recipe made_with, build_settings with);
    std::optional<std::int64_t> sibling_of(const unknown_batch& b);
    std::optional<std::int64_t> job_to_take(const unknown_batch& b);
    std::optional<std::int64_t> job_to_wait_for(const unknown_batch& b);
    std::optional<std::int64_t> job_without_answers(const unknown_batch& b);
    result<adoption> book(const unknown_batch& gone, adoptable what, error why);
    void let_go(const std::string& batch_id, error& why);
    void forget(const std::string& batch_id);
    bool is_beyond_hope(const unknown_batch& b) const;
    bool is_late(const unknown_batch& b, const std::string& identity);
    static std::string other_version(const batch_label& label, const recipe& now);
    static std::optional<recipe> summaries_of_version(const batch_label& label, recipe now,
                                                      const build_settings& with);
    static std::optional<model> model_of_version(const batch_label& label, kind k,
                                                 const build_settings& with);
    using doubts = std::map<std::string, std::int64_t>; ///< of submissions: the job that looks for the batch
    doubts submissions_in_doubt();
    std::string obstacle(const unknown_batch& b, const std::string& identity, const result<recipe>& r,
                         const doubts& in_doubt);
    std::optional<adoption> known(const std::string& batch_id);
    result<void> refuse_while_building();

    ledger& ledger_;
    spool& spool_;
    const clock& clock_;
    boost::asio::any_io_executor pool_;
    std::shared_ptr<provider::client> client_;
    bool busy_ = false; ///< one adoption at a time: each sees the rows that those before it took
};

} // namespace enrichd
