// One case: a machine that lives and dies, a user, a provider and a target, for some virtual days.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/engine.hpp"
#include "state/directory_lock.hpp"
#include "tests/faults/sim/fail_points.hpp"
#include "tests/faults/sim/mortal.hpp"
#include "tests/faults/sim/power_supply.hpp"
#include "tests/faults/sim/scenario.hpp"
#include "tests/faults/sim/sim_provider.hpp"
#include "tests/faults/sim/sim_target.hpp"
#include "tests/faults/sim/virtual_time.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace enrichd::faults {

/// What came of a case.
struct verdict {
    std::vector<std::string> violations; ///< "I3: ...", the number of the invariant first
    std::vector<crash> first_life;       ///< the points that the first life passed
    std::set<std::string> seen;          ///< points that any life passed
    std::uint64_t lives = 0;
    std::uint64_t turns = 0;
    std::int64_t virtual_ms = 0;
    disk_life disk;           ///< where the case models its disk
    std::uint64_t images = 0; ///< of the disk, that lives began from
};

/// A folder in memory, if this machine has one, and in it a ledger that is new.
class workplace {
public:
    workplace();
    ~workplace();
    workplace(const workplace&) = delete;
    workplace& operator=(const workplace&) = delete;

    /// A state directory for the case: with a ledger that is new, or not even made yet, below the root of a
    /// disk that is modelled. Everything of the case before is gone.
    std::filesystem::path fresh(const scenario& s);

private:
    std::filesystem::path folder_;
};

/// What the user was promised, and may rely on.
struct promises {
    std::vector<std::int64_t> runs;     ///< that were accepted
    std::optional<bool> paused = false; ///< absent: asked for, and the machine died before it answered
    std::set<std::int64_t> cancelled;   ///< runs
    std::set<std::int64_t> abandoned;   ///< runs, from the moment that it was asked for
    /// When the ledger was lost or put back the last time. What an earlier one knew, this one may not know.
    std::optional<std::int64_t> forgot_ms;
    std::set<std::string> given_up_before; ///< batches, as the ledgers before this one knew them
};

class simulation {
public:
    /// `reference`: what the same case does to its disk without losses of power; may be null.
    simulation(const scenario& s, std::filesystem::path folder, const disk_life* reference = nullptr);
    verdict run();

private:
    // A process. What it has in memory dies with it.
    struct machine {
        machine(simulation& s);
        ~machine();
        virtual_alarm alarm;
        mortal_loop loop;
        directory_lock lock;
        std::optional<mortal_ledger> commits; // outlives the ledger
        std::unique_ptr<engine> brain;
        bool asked_to_migrate = false;
        bool is_adopting = false;
    };

    bool step();
    bool advance();
    void start();
    void restart();
    void stop_cleanly();
    void come_back();
    void committed(int pages);
    bool spin();
    bool use();
    void do_deed(const planned_deed& d);
    bool cancel(bool abandon);
    void begin_run();
    bool run_has_ended();
    void ended_a_turn(std::exception_ptr failed);
    bool acknowledged(const std::function<bool(live_operations&)>& command);
    bool save_ledger();
    void lose_ledger(ledger_fate what);
    void replace_ledger();
    bool tends_unknown();
    void check_promises();
    void check_end();
    void violated(std::string what);
    boost::asio::awaitable<void> migrate();
    boost::asio::awaitable<void> adopt_all();

    const scenario& scenario_;
    std::filesystem::path folder_;
    virtual_time time_;
    virtual_clock clock_;
    model_catalogue models_;
    sim_provider provider_;
    sim_target target_;
    fate fate_;
    mortal_disk disk_{fate_};
    std::optional<power_supply> power_; ///< where the case models its disk
    chance chance_;
    std::int64_t begin_ms_;
    std::unique_ptr<machine> machine_;

    promises promised_;
    promises promised_then_;             ///< when the ledger was saved
    std::int64_t commits_ = 0;           ///< since the beginning
    std::filesystem::path saved_;        ///< the copy of the ledger; empty: there is none
    std::optional<ledger_fate> to_lose_; ///< before the next life
    std::optional<std::int64_t> adopts_at_;
    bool migrated_ = false;
    std::size_t begun_ = 0;    ///< runs
    bool began_alone_ = false; ///< the last of them: no other was open
    std::size_t next_deed_ = 0;
    std::optional<std::int64_t> run_; ///< that goes on
    std::uint64_t spins_ = 0;         ///< steps since time went on
    std::int64_t hour_ = 0;
    std::uint64_t turns_of_hour_ = 0;
    verdict verdict_;
};

} // namespace enrichd::faults
