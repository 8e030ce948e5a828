// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim/simulation.hpp"

#include "daemon/log.hpp"
#include "tests/faults/sim/invariants.hpp"

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include <algorithm>
#include <stdexcept>
#include <unistd.h>
#include <utility>

namespace enrichd::faults {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t midnight = 1'767'225'600'000; // 2026-01-01 00:00:00Z
constexpr std::int64_t longest_case = 20 * 24 * hour;
constexpr std::uint64_t most_spins = 200'000; // steps of one moment
constexpr std::uint64_t most_turns = 2'000;   // of one hour; a few jobs poll 120 times each
constexpr int seldom_pages = 40; // of the ledger's log, between checkpoints: a case writes less than 1000

sqlite3* newest_connection = nullptr;

int note_connection(sqlite3* db, const char**, const sqlite3_api_routines*) {
    newest_connection = db;
    return SQLITE_OK;
}

struct noting_connections {
    noting_connections() { sqlite3_auto_extension(reinterpret_cast<void (*)()>(note_connection)); }
    ~noting_connections() { sqlite3_reset_auto_extension(); }
    noting_connections(const noting_connections&) = delete;
    noting_connections& operator=(const noting_connections&) = delete;
};

std::shared_ptr<const config> settings_of(const scenario& s, const fs::path& folder) {
    auto c = std::make_shared<config>();
    c->state_directory = folder.string();
    c->batch.max_requests = s.file_requests;
    c->batch.merge_rows = s.merge_rows;
    c->poll.first_seconds = s.poll_first;
    c->poll.max_seconds = s.poll_max;
    c->provider.delete_results = !s.repair.keeps_files;
    return c;
}

const model_catalogue& catalogue() {
    static const auto built_in = model_catalogue::built_in();
    return built_in;
}

} // namespace

workplace::workplace() {
    auto name = ((fs::is_directory("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path()) /
                 "enrichd-sim-XXXXXX")
                    .string();
    if (!mkdtemp(name.data())) throw std::runtime_error("mkdtemp: " + name);
    folder_ = name;
    fs::create_directory(folder_ / "new");
    { const ledger made((folder_ / "new" / "ledger.db").string()); }
}

workplace::~workplace() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

fs::path workplace::fresh(const scenario& s) {
    const auto disk = folder_ / "disk";
    fs::remove_all(disk);
    fs::create_directory(disk);
    if (s.models_disk) return disk / "enrichd";
    const auto state = folder_ / "state";
    fs::remove_all(state);
    fs::create_directory(state);
    fs::copy_file(folder_ / "new" / "ledger.db", state / "ledger.db");
    return state;
}

simulation::machine::machine(simulation& s)
    : alarm(s.time_, s.clock_, s.scenario_.longest_sleep), lock(s.folder_) {
    const noting_connections noting;
    engine_parts parts{.loop = loop.get_executor(),
                       .pool = loop.get_executor(),
                       .clock = s.clock_,
                       .alarm = alarm,
                       .random = [&s] { return s.chance_.real(); },
                       .ended_a_turn = [&s](std::exception_ptr failed) { s.ended_a_turn(failed); },
                       .state_directory = s.folder_,
                       .config_file = ""};
    engine_world world{settings_of(s.scenario_, s.folder_), std::make_shared<model_catalogue>(catalogue()),
                       make_mortal(s.fate_, s.provider_), make_mortal(s.fate_, s.target_)};
    brain = std::make_unique<engine>(std::move(parts), std::move(world));
    commits.emplace(s.fate_, newest_connection, [&s](int pages) { s.committed(pages); });
    s.committed(0);
    boost::asio::co_spawn(loop, brain->run(), [&s](std::exception_ptr failed) {
        if (!failed || s.fate_.dead()) return;
        try {
            std::rethrow_exception(failed);
        } catch (const std::exception& e) {
            s.violated(fmt::format("I7: the scheduler ended: {}", e.what()));
        }
    });
}

// What is under way is dropped first, while all that it refers to is there.
simulation::machine::~machine() {
    loop.kill();
}

simulation::simulation(const scenario& s, fs::path folder, const disk_life* reference)
    : scenario_(s),
      folder_(std::move(folder)),
      time_(midnight),
      clock_(time_),
      models_(catalogue()),
      provider_(s, time_, models_),
      target_(s, time_),
      fate_(s.crashes),
      chance_(s.seed * 2 + 0xc1a5),
      begin_ms_(midnight) {
    if (!s.models_disk) return;
    power_.emplace(folder_.parent_path(), fate_, s.losses, reference);
    // What SQLite draws decides what it writes, and names the installation.
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, static_cast<int>(s.seed % 1'000'000) + 1, nullptr);
}

verdict simulation::run() {
    start();
    while (verdict_.violations.empty() && step()) {
    }
    check_end();
    machine_.reset();
    verdict_.first_life = fate_.first_life();
    verdict_.seen = fate_.seen();
    verdict_.lives = fate_.lives();
    verdict_.virtual_ms = time_.now_ms() - begin_ms_;
    return std::move(verdict_);
}

// False: the case is over.
bool simulation::step() {
    if (fate_.dead()) {
        restart();
        return true;
    }
    if (spin()) return true;
    if (!use()) return false;
    return fate_.dead() || spin() || advance(); // a command wakes the machine, or was its last
}

// One step of the machine. False if it waits for time, or for a command.
bool simulation::spin() {
    if (machine_->loop.stopped()) machine_->loop.restart();
    if (machine_->loop.poll_one() == 0) return false;
    if (++spins_ > most_spins) violated("I7: the machine does not come to rest");
    return true;
}

bool simulation::advance() {
    auto next = time_.next();
    if (adopts_at_ && *adopts_at_ > time_.now_ms()) next = std::min(next.value_or(*adopts_at_), *adopts_at_);
    if (migrated_ && next_deed_ < scenario_.deeds.size()) // else nobody does it yet
        next = std::min(next.value_or(longest_case + begin_ms_),
                        std::max(begin_ms_ + scenario_.deeds[next_deed_].at_ms, time_.now_ms()));
    if (!next) {
        violated("I7: nothing waits for anything, and the run has not ended" +
                 reasons_to_wait(machine_->brain->ledger()));
        return false;
    }
    if (*next > begin_ms_ + longest_case) {
        violated("I7: the run has not ended after 20 days" + reasons_to_wait(machine_->brain->ledger()));
        return false;
    }
    if (*next > time_.now_ms()) {
        spins_ = 0;
        log::debug(fmt::format("-- {:.4f} simulated hours", static_cast<double>(*next - begin_ms_) / hour));
    }
    time_.advance_to(*next);
    return true;
}

void simulation::start() {
    fate_.begin_life();
    try {
        machine_ = std::make_unique<machine>(*this);
    } catch (const std::exception& e) {
        if (!fate_.dead()) violated(fmt::format("I7: the daemon does not start: {}", e.what()));
        return;
    }
    if (fate_.dead()) return;
    check_promises();
    if (run_) check_budget(machine_->brain->ledger(), *run_, verdict_.violations);
}

void simulation::stop_cleanly() {
    try {
        machine_->brain->mark_stopped();
    } catch (const std::exception& e) {
        if (!fate_.dead()) violated(fmt::format("I7: the daemon does not stop: {}", e.what()));
        return;
    }
    machine_->commits->stop_cleanly();
    machine_.reset();
    if (!fate_.dead()) start();
}

// Nothing that was promised may be lost with the power.
void simulation::come_back() {
    for (auto& wrong : power_->come_back(folder_, provider_))
        violated(std::move(wrong));
}

void simulation::committed(int pages) {
    if (fate_.dead()) return;
    if (pages > 0 && ++commits_ == scenario_.saved_with_commit) save_ledger();
    if (!power_) return;
    power_->witness(newest_connection);
    if (pages >= seldom_pages)
        sqlite3_wal_checkpoint_v2(newest_connection, "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
}

// Power is back after some seconds or minutes.
void simulation::restart() {
    log::debug(fmt::format("-- the machine died, {} points into its life", fate_.passed()));
    machine_.reset();
    if (power_ && power_->is_lost()) come_back();
    if (!verdict_.violations.empty()) return;
    if (fate_.lives() == 1 && scenario_.at_death != ledger_fate::kept) to_lose_ = scenario_.at_death;
    if (to_lose_) replace_ledger();
    time_.advance_to(time_.now_ms() + chance_.number(second, chance_.one_in(4) ? 10 * minute : 20 * second));
    spins_ = 0;
    start();
}

void simulation::ended_a_turn(std::exception_ptr failed) {
    if (fate_.dead()) return;
    try {
        if (failed) std::rethrow_exception(failed);
    } catch (const std::exception& e) {
        violated(fmt::format("I7: a turn ended early: {}", e.what()));
    }
    ++verdict_.turns;
    const auto hour_now = time_.now_ms() / hour;
    turns_of_hour_ = hour_now == hour_ ? turns_of_hour_ + 1 : 0;
    hour_ = hour_now;
    if (turns_of_hour_ > most_turns) violated("I7: a storm of turns");
    if (run_) check_budget(machine_->brain->ledger(), *run_, verdict_.violations);
}

void simulation::violated(std::string what) {
    verdict_.violations.push_back(std::move(what));
}

void simulation::check_promises() {
    auto& l = machine_->brain->ledger();
    for (const auto id : promised_.runs)
        if (!l.runs().find(id)) violated(fmt::format("I1: run {} was accepted, and is gone", run_name(id)));
    if (promised_.paused && l.paused() != *promised_.paused)
        violated("I1: a pause or its end was acknowledged, and is forgotten");
    for (const auto id : promised_.cancelled) {
        const auto run = l.runs().find(id);
        if (run && !run->cancel_wanted && !run::has_ended(run->state))
            violated(
                fmt::format("I1: the cancelling of run {} was acknowledged, and is forgotten", run_name(id)));
    }
}

void simulation::check_end() {
    const bool ended = verdict_.violations.empty();
    if (ended) check_promises();
    const bool can_be_opened = machine_ != nullptr;
    machine_.reset();
    if (power_) { // what is done to the disk from here on is not the machine's doing
        verdict_.disk = power_->life();
        verdict_.images = power_->losses();
        power_.reset();
    }
    if (!can_be_opened) return;
    check_books(folder_ / "ledger.db", provider_, target_, scenario_, promised_, ended, verdict_.violations);
}

} // namespace enrichd::faults
