// Scripted operations behind the control server, for tests of server, client and enrichctl.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/operations.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <vector>

namespace enrichd::test {

/// Replies come from `replies` under the name of the call and its id ("job 7"), or the name alone ("job"); a
/// missing one is not_found. An entry of `errors` comes first.
class fake_operations : public control::operations {
public:
    using json = control::json;
    template <class T>
    using awaitable = control::awaitable<T>;

    explicit fake_operations(boost::asio::any_io_executor executor);

    std::map<std::string, json> replies;
    std::map<std::string, error> errors;
    std::vector<std::string> calls; ///< "job 7", "merge 7 summaries", in order; changed() is left out
    control::run_order order;       ///< of the last plan, run or build
    std::string report_text = "# Report\n";
    std::string request_path;
    std::string ledger_path;            ///< of what ledger_copy() hands out
    std::optional<error> write_refusal; ///< as of a full disk
    bool saw_rows = false;              ///< the last job() was asked with_rows

    /// Something has changed: wakes who waits.
    void change();
    /// What waits ends with errc::cancelled.
    void shut_down();

    result<json> status() override;
    std::optional<error> cannot_write() override { return write_refusal; }
    std::optional<error> explain(const std::exception_ptr&) override { return std::nullopt; }
    result<json> jobs(std::optional<std::string> run, bool all) override;
    result<json> job(std::string id, bool with_rows) override;
    result<json> run(std::string id) override;
    awaitable<result<json>> plan(control::run_order o) override;
    result<json> start_run(control::run_order o) override;
    result<json> build(control::run_order o) override;
    result<json> submit(enrichd::kind k, std::string sha256, std::optional<money> budget) override;
    result<json> merge(std::string id, std::optional<enrichd::kind> k) override;
    result<json> poll(std::string id) override;
    result<json> cancel(std::string id, bool abandon) override;
    result<json> discard(std::string id) override;
    result<json> retry(std::string id) override;
    awaitable<result<json>> resolve(std::string id, std::optional<std::string> adopt) override;
    result<json> pause() override;
    result<json> resume() override;
    result<json> budget() override;
    result<json> bookings(std::int64_t after) override;
    result<json> quarantine_list() override;
    result<json> quarantine_release(std::vector<std::string> keys, bool all) override;
    result<std::string> request_file(std::string job_id) override;
    result<std::string> report(std::optional<std::string> run, std::string format) override;
    awaitable<result<handed_file>> ledger_copy() override;
    awaitable<result<json>> verification() override;
    awaitable<result<json>> adoptable() override;
    awaitable<result<json>> adopt(std::string batch_id) override;
    result<json> leave(std::string batch_id) override;
    awaitable<result<json>> migration_plan() override;
    awaitable<result<json>> migrate() override;
    awaitable<result<std::uint64_t>> changed(std::uint64_t version) override;

private:
    result<json> answer(std::string call, const std::string& rest = {});

    boost::asio::any_io_executor executor_;
    boost::asio::steady_timer news_; ///< never expires; cancelled when there is news
    std::uint64_t version_ = 0;
    bool down_ = false;
};

} // namespace enrichd::test
