// What the control plane can ask of the daemon. The server calls it; the instance implements it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "core/kind.hpp"
#include "core/money.hpp"
#include "core/run_order.hpp"

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace enrichd::control {

template <class T>
using awaitable = boost::asio::awaitable<T>;
using json = nlohmann::json;

using enrichd::run_order;

/// Every call answers at once from the ledger, or awaits what it must; replies are the JSON bodies that
/// docs/control-protocol.md describes. Ids of jobs may be ours or the provider's batch id.
class operations {
public:
    virtual ~operations() = default;

    virtual result<json> status() = 0;
    /// Why nothing can be recorded now, for calls that would have to.
    virtual std::optional<error> cannot_write() = 0;
    /// What a caller is told of a call that ended with this exception, where it is more than its text.
    virtual std::optional<error> explain(const std::exception_ptr& failed) = 0;
    virtual result<json> jobs(std::optional<std::string> run, bool all) = 0;
    /// `with_rows`: the peer may see sample rows' text.
    virtual result<json> job(std::string id, bool with_rows) = 0;
    virtual result<json> run(std::string id) = 0;

    virtual awaitable<result<json>> plan(run_order order) = 0;
    /// Starts a run that goes through to merged; the reply names it at once (state "requested").
    virtual result<json> start_run(run_order order) = 0;
    /// Starts a run whose jobs stay built until they are submitted.
    virtual result<json> build(run_order order) = 0;

    /// The set of jobs whose request file has this SHA-256 (hex) and kind goes on to fetched.
    virtual result<json> submit(enrichd::kind k, std::string sha256, std::optional<money> budget) = 0;
    virtual result<json> merge(std::string id, std::optional<enrichd::kind> k) = 0;
    /// Polls now instead of at the due time.
    virtual result<json> poll(std::string id) = 0;
    /// A job, a batch, or a whole run. `abandon`: without waiting for the provider.
    virtual result<json> cancel(std::string id, bool abandon) = 0;
    virtual result<json> discard(std::string id) = 0;
    virtual result<json> retry(std::string id) = 0; ///< a held or blocked job: try again now
    /// A submission of which it is unknown whether the provider took it: the batch with this id is it, or
    /// (absent) there is none, and it is sent again.
    virtual awaitable<result<json>> resolve(std::string id, std::optional<std::string> adopt) = 0;
    virtual result<json> pause() = 0;
    virtual result<json> resume() = 0;

    /// Batches of enrichd at the provider that the ledger does not know.
    virtual awaitable<result<json>> adoptable() = 0;
    /// Takes one of them into the ledger.
    virtual awaitable<result<json>> adopt(std::string batch_id) = 0;
    /// Lets one go for ever: what it holds may be bought again.
    virtual result<json> leave(std::string batch_id) = 0;

    /// What was spent and is reserved, and what the limits leave.
    virtual result<json> budget() = 0;
    /// A page of the books: what follows the booking with this id, 0 for the first.
    virtual result<json> bookings(std::int64_t after) = 0;

    virtual result<json> quarantine_list() = 0;
    virtual result<json> quarantine_release(std::vector<std::string> keys, bool all) = 0;

    /// The path of a job's request file, for streaming it to the caller.
    virtual result<std::string> request_file(std::string job_id) = 0;
    /// The newest report, or that of one run: "md" or "json".
    virtual result<std::string> report(std::optional<std::string> run, std::string format) = 0;

    /// A path; the file is removed once nobody holds it any more.
    using handed_file = std::shared_ptr<const std::string>;
    /// A copy of the ledger as it is now. Errors: state_conflict while another is held; disk_full, io.
    virtual awaitable<result<handed_file>> ledger_copy() = 0;
    /// Whether the ledger is sound. Errors: io.
    virtual awaitable<result<json>> verification() = 0;

    virtual awaitable<result<json>> migration_plan() = 0;
    virtual awaitable<result<json>> migrate() = 0;

    /// Waits until anything of the run or job (empty: anything at all) has changed since `version`; returns
    /// the new version. For streams of progress. Ends with errc::cancelled at shutdown.
    virtual awaitable<result<std::uint64_t>> changed(std::uint64_t version) = 0;
};

} // namespace enrichd::control
