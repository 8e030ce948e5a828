// A connection to PostgreSQL that never blocks the loop.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "daemon/target/postgres_result.hpp"
#include "daemon/target/postgres_url.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct pg_conn;

namespace enrichd::target {

template <class T>
using awaitable = boost::asio::awaitable<T>;

/// A parameter's bytes, in binary format; absent for NULL. Text is the same in both formats.
using sql_parameter = std::optional<std::string>;

/// One statement of a pipeline. Its parameters' types come from the casts in its text.
struct sql_step {
    std::string sql; ///< empty: the statement of the step before, with other parameters
    std::vector<sql_parameter> parameters = {};
};

/// What came of a pipeline: one result a step, up to the one that failed; those after it were not run.
struct pipeline_reply {
    std::vector<sql_rows> results;
    std::optional<sql_failure> failure;
};

/// No state outlives a transaction (no named statements, no SET without LOCAL, no temporary tables), so that
/// a pooler in transaction mode may stand between. One call at a time. A call that was cancelled, or whose
/// connection was lost, leaves it unusable.
class postgres_connection {
public:
    enum class use { reading, writing };

    /// Tries each host in turn, and each address of it, ten seconds each. `writing` skips servers that only
    /// read. Errors: target_unavailable or target_blocked, naming the place, never a secret.
    static awaitable<result<std::unique_ptr<postgres_connection>>> connect(boost::asio::any_io_executor pool,
                                                                           postgres_url url, use what_for);

    ~postgres_connection(); ///< asks the server to stop what is still running
    postgres_connection(const postgres_connection&) = delete;
    postgres_connection& operator=(const postgres_connection&) = delete;

    /// Sends all steps at once: one round trip. Errors are those of the connection (target_unavailable,
    /// timed_out, cancelled); what the server refuses is in the reply.
    awaitable<result<pipeline_reply>> run(std::vector<sql_step> steps, std::chrono::milliseconds limit);

    /// Starts a statement whose rows come one by one; the connection serves nothing else from then on, since
    /// libpq 15 would hand out the next pipeline's rows one by one too.
    awaitable<result<void>> start_rows(sql_step step, std::chrono::milliseconds limit);
    /// The rows that are there: at least one, at most 500 or about `bytes`; none at the end. Waits for
    /// `limit` at most.
    awaitable<result<pipeline_reply>> next_rows(std::size_t bytes, std::chrono::milliseconds limit);

    bool usable() const;
    std::string role() const; ///< the user that we are
    const std::string& place() const { return place_; }

private:
    struct parts;
    explicit postgres_connection(std::unique_ptr<parts> p, std::string place);

    awaitable<result<void>> send_all(std::vector<sql_step>& steps);
    awaitable<result<pipeline_reply>> run_pipeline(std::vector<sql_step> steps);
    awaitable<result<pipeline_reply>> read_replies(std::size_t steps);
    awaitable<result<pipeline_reply>> read_rows(std::size_t bytes);
    awaitable<result<void>> start(sql_step step);
    awaitable<result<void>> flush();
    awaitable<result<pg_result*>> next_result();
    error lost() const;

    std::unique_ptr<parts> parts_;
    std::string place_;
    bool in_call_ = false; ///< set while a call runs; a call that did not end leaves it set
};

} // namespace enrichd::target
