// The coordinator: everything between the world and the ledger, wired once. The daemon and the simulation
// own the same.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/adopter.hpp"
#include "daemon/alarm.hpp"
#include "daemon/change_signal.hpp"
#include "daemon/clock.hpp"
#include "daemon/job_driver.hpp"
#include "daemon/live_effects.hpp"
#include "daemon/operations/live_operations.hpp"
#include "daemon/report_writer.hpp"
#include "daemon/run_builder.hpp"
#include "daemon/run_driver.hpp"
#include "daemon/run_settler.hpp"
#include "daemon/scheduler.hpp"
#include "daemon/spool.hpp"
#include "daemon/storage_watch.hpp"
#include "daemon/sweeper.hpp"
#include "daemon/unknown_finder.hpp"
#include "state/ledger.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace enrichd {

/// What an engine runs on: there is no thread, clock, timer or chance in it but these. References outlive it.
struct engine_parts {
    boost::asio::any_io_executor loop;
    boost::asio::any_io_executor pool; ///< for what blocks or burns the processor; may be the loop's
    const enrichd::clock& clock;
    enrichd::alarm& alarm;
    std::function<double()> random; ///< in [0, 1)
    scheduler::turn_ended ended_a_turn;
    std::filesystem::path state_directory;
    std::string config_file; ///< that is told to who asks; empty: none was read
};

/// What it works with; may be exchanged as a whole while it runs.
struct engine_world {
    std::shared_ptr<const config> settings;
    std::shared_ptr<const model_catalogue> models;
    std::shared_ptr<provider::client> provider;
    std::shared_ptr<target::database> target;
};

/// Whatever it did is in ledger and spool: another engine on the same state directory goes on from there.
class engine {
public:
    /// Opens the ledger. Throws fatal_error and sqlite_error: the world is broken.
    engine(engine_parts parts, engine_world world);

    /// Takes turns until stop(), then until those under way have recorded what they did.
    boost::asio::awaitable<void> run();
    void stop();
    /// No turn is under way.
    bool idle() const { return scheduler_.idle(); }

    /// A configuration takes effect as a whole. Jobs of another target wait until theirs is there again.
    void set_world(engine_world world);
    const config& settings() const { return *world_.settings; }
    const target::database& target() const { return *world_.target; }

    /// To be run beside run() where there is a disk that can fail.
    storage_watch& storage() { return storage_; }
    /// The ledger's marks; a full disk is no reason not to start, or not to stop.
    void mark_running();
    void mark_stopped();

    /// Forgets results, and the rows of requests, of runs that ended before `retention` days; and deletes
    /// what a crash left in the spool.
    void prune();

    enrichd::ledger& ledger() { return ledger_; }
    live_operations& operations() { return operations_; }
    change_signal& changes() { return changes_; }
    void wake() { scheduler_.wake(); }

private:
    build_settings current() const { return {world_.settings, world_.models, world_.target}; }
    run_driver::parts run_parts();
    scheduler::turns turns();
    operation_parts operation_parts_of(const engine_parts& parts);
    storage_watch::calls storage_calls();
    void storage_recovered();
    void make_due_what_waited();
    /// True if it was done; false if the disk failed, which is known then.
    bool try_to_record(const std::function<void()>& write);
    void free_unknown_submissions();

    paced_clock clock_;
    enrichd::ledger ledger_;
    spool spool_;
    change_signal changes_;
    std::function<double()> random_;
    engine_world world_;
    scheduler::turn_ended tell_;

    storage_watch storage_;
    live_effects effects_;
    watched_effects watched_;
    job_driver job_driver_;
    run_builder builder_;
    run_settler settler_;
    adopter adopter_;
    unknown_finder finder_;
    report_writer reports_;
    run_driver run_driver_;
    sweeper sweeper_;
    scheduler scheduler_;
    live_operations operations_;
    bool running_ = false;  ///< since run()
    bool stopping_ = false; ///< set by stop()
};

} // namespace enrichd
