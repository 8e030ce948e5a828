// A ledger that is lost, or of which an old copy is put back, and the person who adopts what it knew.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/log.hpp"
#include "state/ledger_backup.hpp"
#include "tests/faults/sim/invariants.hpp"
#include "tests/faults/sim/simulation.hpp"

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace enrichd::faults {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t until_the_next_try = 20 * minute; // of adopting what could not be adopted

// The ledger with its log; the folder's lock stays, as its daemon may be the next one.
void remove_ledger(const fs::path& folder) {
    for (const auto* name : {"ledger.db", "ledger.db-wal", "ledger.db-shm"})
        fs::remove(folder / name);
}

void remove_spool(const fs::path& folder) {
    for (const auto* name : {"batch", "output"})
        fs::remove_all(folder / name);
}

} // namespace

bool simulation::save_ledger() {
    saved_ = folder_.parent_path() / "saved.db";
    back_up_ledger((folder_ / "ledger.db").string(), saved_.string());
    promised_then_ = promised_;
    return true;
}

// With the machine, as it stands.
void simulation::lose_ledger(ledger_fate what) {
    to_lose_ = what;
    fate_.die();
}

// What is promised afterwards is what the ledger in its place knows.
void simulation::replace_ledger() {
    const auto what = saved_.empty() ? ledger_fate::lost : *std::exchange(to_lose_, std::nullopt);
    to_lose_.reset();
    log::debug(what == ledger_fate::lost ? "-- the ledger is lost"
                                         : "-- an old copy of the ledger is put back");
    auto given_up = batches_given_up(folder_ / "ledger.db", provider_, promised_);
    remove_ledger(folder_);
    if (what == ledger_fate::lost || scenario_.repair.spool_is_lost) remove_spool(folder_);
    if (what == ledger_fate::restored) fs::copy_file(saved_, folder_ / "ledger.db");
    promised_ = what == ledger_fate::restored ? promised_then_ : promises{};
    promised_.forgot_ms = time_.now_ms();
    promised_.given_up_before = std::move(given_up);
    run_ = promised_.runs.empty() ? std::nullopt : std::optional(promised_.runs.back());
    time_.advance_to(time_.now_ms() + scenario_.repair.down);
    adopts_at_ = time_.now_ms() + scenario_.repair.unheeded;
}

// True: the user waits for what becomes of the batches that the ledger does not know. A status that tells of
// some is heeded as soon as a lost ledger is.
bool simulation::tends_unknown() {
    if (!adopts_at_ && machine_->brain->ledger().unknown().any())
        adopts_at_ = time_.now_ms() + scenario_.repair.unheeded;
    if (!adopts_at_) return false;
    if (machine_->is_adopting) return true;
    if (*adopts_at_ > time_.now_ms()) return !scenario_.repair.begins_runs;
    machine_->is_adopting = true;
    boost::asio::co_spawn(machine_->loop, adopt_all(), [this](std::exception_ptr e) {
        if (e && !fate_.dead()) violated("I7: the adopting ended early");
    });
    return true;
}

// As `enrichctl adopt --all` does, until there is nothing left that may be adopted later.
boost::asio::awaitable<void> simulation::adopt_all() {
    auto& o = machine_->brain->operations();
    const auto listed = co_await o.adoptable();
    bool all = listed.has_value();
    if (all) {
        for (const auto& b : (*listed)["batches"]) {
            if (!b["can_adopt"].get<bool>() || b["let_go"].get<bool>()) continue;
            const auto done = co_await o.adopt(b["batch_id"].get<std::string>());
            const bool is_answered =
                done || done.error().code == errc::state_conflict || done.error().code == errc::not_found;
            if (!done) log::debug("-- not adopted: " + done.error().detail);
            all = all && is_answered;
        }
    }
    machine_->is_adopting = false;
    if (all && !machine_->brain->ledger().unknown().any())
        adopts_at_.reset();
    else
        adopts_at_ = time_.now_ms() + until_the_next_try;
}

} // namespace enrichd::faults
