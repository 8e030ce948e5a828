// What the operations work on; the instance fills it in.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/adopter.hpp"
#include "daemon/change_signal.hpp"
#include "daemon/clock.hpp"
#include "daemon/provider/provider.hpp"
#include "daemon/run_builder.hpp"
#include "daemon/spool.hpp"
#include "daemon/storage_watch.hpp"
#include "state/ledger.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace enrichd {

enum class daemon_state { starting, running, draining };

/// References outlive the operations; the functions are called on the loop's thread.
struct operation_parts {
    enrichd::ledger& ledger;
    enrichd::spool& spool;
    const enrichd::clock& clock;
    run_builder& builder;
    adopter& adoptions;
    change_signal& changes;

    std::function<build_settings()> settings; ///< configuration, models and target of now
    std::function<std::shared_ptr<provider::client>()> provider;
    std::function<void()> wake;                       ///< something may be due now
    std::function<bool(std::int64_t job_id)> in_turn; ///< a turn of the job is under way
    std::function<daemon_state()> state;

    boost::asio::any_io_executor pool; ///< for what blocks
    std::string ledger_path;

    std::int64_t pid = 0;
    std::int64_t started_ms = 0;
    std::string config_file;          ///< empty: none was read
    storage_watch* storage = nullptr; ///< null: the disk is taken to work
};

} // namespace enrichd
