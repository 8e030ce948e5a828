// One turn of a run: build it, or settle the jobs of it that have ended.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/clock.hpp"
#include "daemon/run_builder.hpp"
#include "daemon/run_settler.hpp"
#include "state/ledger.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>

namespace enrichd {

class run_driver {
public:
    struct parts {
        ledger& l;
        const clock& c;
        run_builder& builder;
        run_settler& settler;
        std::function<build_settings()> settings; ///< the configuration of now
        std::function<boost::asio::awaitable<result<void>>(std::int64_t run_id)> write_report;
        std::function<double()> random;
        std::function<void(const error&)> failed = {}; ///< told why a turn could not do its effect
    };

    explicit run_driver(parts p) : parts_(std::move(p)) {}

    /// Takes one turn. Whatever happens is in the ledger when it returns.
    boost::asio::awaitable<void> take_turn(std::int64_t run_id);

private:
    boost::asio::awaitable<result<void>> build(run_row run);
    boost::asio::awaitable<result<void>> settle(run_row run);
    void hold_at_gate(const run_row& run, const error& why);
    void postpone(std::int64_t run_id, const error& why);

    parts parts_;
};

} // namespace enrichd
