// A survey: every row of an order, kind by kind, handed to whoever counts or writes them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/run_order.hpp"
#include "core/run_summary.hpp"
#include "daemon/row_reader.hpp"
#include "daemon/run_builder.hpp"
#include "state/ledger.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <vector>

namespace enrichd {

/// What becomes of the rows: a plan counts them, a build writes them.
class row_sink {
public:
    virtual ~row_sink() = default;
    virtual boost::asio::awaitable<void> begin(const recipe& r) = 0;
    /// `so_far` includes these rows. False ends the survey early.
    virtual boost::asio::awaitable<result<bool>> take(std::vector<prepared_row> rows,
                                                      const run_summary& so_far) = 0;
    /// Ends a kind; returns how many files it has.
    virtual boost::asio::awaitable<result<std::int64_t>> end() = 0;
};

/// Errors: invalid_input (unknown model, dimensions that it cannot give), target_blocked, target_unavailable;
/// and those of the sink.
boost::asio::awaitable<result<run_summary>> survey(const run_order& order, const build_settings& with,
                                                   ledger& l, boost::asio::any_io_executor pool,
                                                   row_sink& sink);

/// How requests of this kind are made, as things are. Errors: invalid_input (unknown model, dimensions that
/// it cannot give), target_blocked (columns are missing), target_unavailable.
boost::asio::awaitable<result<recipe>> recipe_for(kind k, build_settings with);

/// What must be the same for selection and merge: the value that makes a row done.
target::wanted wanted_of(const recipe& r, const run_order& order, const config& c);

} // namespace enrichd
