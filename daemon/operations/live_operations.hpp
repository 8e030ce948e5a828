// What the control plane can ask for, answered from the ledger.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/operations.hpp"
#include "daemon/operations/operation_parts.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace enrichd {

/// Commands never change a job's state: they record wishes, which the job's next turn sees. The exception is
/// discarding, which concerns jobs that no turn ever takes up: built, and waiting for submit.
class live_operations final : public control::operations {
public:
    using json = nlohmann::json;
    template <class T>
    using awaitable = boost::asio::awaitable<T>;

    explicit live_operations(operation_parts parts) : parts_(std::move(parts)) {}

    // Looking: looking.cpp
    result<json> status() override;
    std::optional<error> cannot_write() override;
    std::optional<error> explain(const std::exception_ptr& failed) override;
    result<json> jobs(std::optional<std::string> run, bool all) override;
    result<json> job(std::string id, bool with_rows) override;
    result<json> run(std::string id) override;
    result<json> quarantine_list() override;
    result<std::string> request_file(std::string job_id) override;
    result<std::string> report(std::optional<std::string> run, std::string format) override;
    awaitable<result<std::uint64_t>> changed(std::uint64_t version) override;

    // The target, and what a run would find there: planning.cpp
    awaitable<result<json>> plan(run_order order) override;
    awaitable<result<json>> migration_plan() override;
    awaitable<result<json>> migrate() override;

    // The ledger as a whole: ledger_care.cpp
    awaitable<result<handed_file>> ledger_copy() override;
    awaitable<result<json>> verification() override;

    // Money: budgeting.cpp
    result<json> budget() override;
    result<json> bookings(std::int64_t after) override;

    // Batches that the ledger does not know: adopting.cpp
    awaitable<result<json>> adoptable() override;
    awaitable<result<json>> adopt(std::string batch_id) override;
    result<json> leave(std::string batch_id) override;

    // Runs and all that is under way: commands.cpp
    result<json> start_run(run_order order) override;
    result<json> build(run_order order) override;
    result<json> pause() override;
    result<json> resume() override;
    result<json> quarantine_release(std::vector<std::string> keys, bool all) override;

    // One job, or the jobs of a set or run: job_commands.cpp
    result<json> submit(enrichd::kind k, std::string sha256, std::optional<money> budget) override;
    result<json> merge(std::string id, std::optional<enrichd::kind> k) override;
    result<json> poll(std::string id) override;
    result<json> cancel(std::string id, bool abandon) override;
    result<json> discard(std::string id) override;
    result<json> retry(std::string id) override;

    // What a person knows of a batch that may exist: resolving.cpp
    awaitable<result<json>> resolve(std::string id, std::optional<std::string> adopt) override;

private:
    result<job_row> find_job(const std::string& id);
    result<run_row> find_run(const std::string& id);
    double deadline_hours() const { return parts_.settings().settings->poll.deadline_hours; }
    json job_object(std::int64_t id);
    json job_objects(const std::vector<job_row>& jobs);
    result<void> refuse_while_draining() const;
    result<json> accept(run_order order, job::goal until);
    result<job_row> job_of_file(enrichd::kind k, const std::string& sha256);
    result<void> check_budget(const run_row& run, money limit, const std::vector<job_row>& set);
    json submit_set(const run_row& run, money limit, const std::vector<job_row>& set);
    result<void> refuse_while_building(const job_row& job);
    json cancel_run(const run_row& run, job::cancel_reason why);
    void wish_to_cancel(const job_row& job, job::cancel_reason why, bool merge_too);
    void make_due(const job_row& job);
    void look_now();
    result<job_row> job_in_doubt(const std::string& id);
    result<json> record_resolution(const job_row& job, const job::event::any& what, const std::string& detail,
                                   const char* status);
    void something_changed();
    json within_limits(json plan, const run_summary& summary);
    awaitable<result<json>> plan_by_kind(run_order order, build_settings with);

    operation_parts parts_;
    std::weak_ptr<const std::string> copy_; ///< of the ledger: being made or sent
};

} // namespace enrichd
