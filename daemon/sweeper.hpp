// What is owed beside the turns of jobs and runs, done one thing at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/adopter.hpp"
#include "daemon/clock.hpp"
#include "daemon/provider/provider.hpp"
#include "state/ledger.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace enrichd {

/// Does the chores of the ledger when they are due. None of them holds a job up: what cannot be done now is
/// tried again, each time later. A chore that a crash interrupts is owed still.
class sweeper {
public:
    /// `random` gives numbers in [0, 1) for jitter; `changed` is called after each chore. References outlive
    /// the sweeper.
    sweeper(ledger& l, const clock& c, std::function<double()> random, std::function<void()> changed);

    void set_client(std::shared_ptr<provider::client> client) { client_ = std::move(client); }
    /// Whether output and error files are deleted at the provider after their merge, or expire there.
    void delete_results(bool yes) { delete_results_ = yes; }

    /// Who looks for batches that the ledger does not know, and records the chore as done. Without it no look
    /// is owed.
    using finder = std::function<boost::asio::awaitable<result<bool>>(chore_row)>;
    void set_finder(finder f) { find_unknown_ = std::move(f); }

    /// Who takes a batch into the ledger. Without it a batch that shows up after its job's end is stopped,
    /// and its answers are lost.
    using taker = std::function<boost::asio::awaitable<result<adoption>>(std::string batch_id)>;
    void set_taker(taker t) { take_in_ = std::move(t); }

    /// Who writes the report of a run anew. Without it the one that was written at the run's end stays.
    using reporter = std::function<boost::asio::awaitable<result<void>>(std::int64_t run_id)>;
    void set_reporter(reporter r) { write_report_ = std::move(r); }

    /// At start: the look for unknown batches is owed at once; the provider's files are swept a day from
    /// then, and each day.
    void begin();
    /// Does all that is due, until stop(). One at a time; throws what a broken ledger throws.
    boost::asio::awaitable<void> sweep();
    /// No new chores; the one under way goes on.
    void stop() { stopping_ = true; }

private:
    template <class T>
    using awaitable = boost::asio::awaitable<T>;

    awaitable<result<bool>> perform(chore_row c);
    awaitable<result<bool>> find_twins(chore_row c);
    awaitable<result<std::string>> take_in(job_row job, std::vector<batch_object> found);
    awaitable<result<bool>> follow_twin(chore_row c);
    awaitable<result<bool>> delete_file(chore_row c);
    awaitable<result<bool>> sweep_files();
    awaitable<result<bool>> write_report(chore_row c);
    awaitable<bool> is_api_there();
    void put_off(const chore_row& c, const result<bool>& done);
    void give_up(const chore_row& c, const error& why);
    bool is_needed(const provider::remote_file& file);
    std::string file_of(std::int64_t job_id);
    void take_down(const job_row& job, const std::string& kept, const batch_object& twin);

    ledger& ledger_;
    const clock& clock_;
    std::function<double()> random_;
    std::function<void()> changed_;
    std::shared_ptr<provider::client> client_;
    finder find_unknown_;
    taker take_in_;
    reporter write_report_;
    bool delete_results_ = true;
    bool stopping_ = false;
};

} // namespace enrichd
