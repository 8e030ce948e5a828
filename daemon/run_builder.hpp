// From rows to request files: what a run's building, and a plan, do.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/batch_request.hpp"
#include "core/config.hpp"
#include "core/model.hpp"
#include "core/run_order.hpp"
#include "core/run_summary.hpp"
#include "daemon/clock.hpp"
#include "daemon/spool.hpp"
#include "daemon/target/target.hpp"
#include "state/ledger.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace enrichd {

/// Everything of the configuration that building depends on, as it is at its beginning.
struct build_settings {
    std::shared_ptr<const config> settings;
    std::shared_ptr<const model_catalogue> models;
    std::shared_ptr<target::database> database;
};

/// The limit of an order: the profile's, lowered by --budget.
money limit_of(const run_order& order, const budget_config& budget);

/// Why a run was refused: the error object of its reply.
struct refusal {
    std::string code;
    std::string message;
    std::string hint;
};

/// Reads the rows of an order, makes their requests on the pool, and either only counts them (plan) or writes
/// them to the spool and the ledger (build). One at a time.
class run_builder {
public:
    run_builder(ledger& l, spool& s, const clock& c, boost::asio::any_io_executor pool);

    /// Called while a build goes on, whenever the ledger has news of it.
    void on_progress(std::function<void()> tell) { tell_ = std::move(tell); }

    /// What a build of this order would find. Touches nothing. Errors: invalid_input (unknown model,
    /// dimensions), target_blocked, target_unavailable.
    boost::asio::awaitable<result<run_summary>> plan(run_order order, build_settings with);

    /// Builds a run from its first row, whatever an earlier try left behind. On return the run is open or
    /// refused in the ledger. Errors (the run stays as it is, to be tried again): target_unavailable, io,
    /// cancelled.
    boost::asio::awaitable<result<void>> build(std::int64_t run_id, build_settings with);

private:
    boost::asio::awaitable<result<run_row>> begin_again(std::int64_t run_id);
    result<void> open(const run_row& run);
    boost::asio::awaitable<result<void>> refuse(run_row run, run::state end, refusal why);

    ledger& ledger_;
    spool& spool_;
    const clock& clock_;
    boost::asio::any_io_executor pool_;
    std::function<void()> tell_ = [] {};
};

} // namespace enrichd
