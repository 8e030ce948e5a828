// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/killer/ledger_loss.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace enrichd::killer {

namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr int patience = 50; // looks for something that a command has ordered

// A job that waits because of batches that the ledger does not know would keep their rows from them.
std::set<std::string> runs_in_the_way(victim& v) {
    std::set<std::string> runs;
    const auto reply = v.ask_json({"jobs"});
    if (!reply.contains("jobs")) return runs;
    for (const auto& job : reply["jobs"])
        if (job["blocked"].is_object() && job["blocked"]["code"] == "unknown_batches")
            runs.insert(job["run_id"].get<std::string>());
    return runs;
}

bool is_open(victim& v, const std::string& run) {
    const auto reply = v.ask_json({"status", run});
    return !reply.contains("run") || reply["run"]["ended_ms"].is_null();
}

} // namespace

void ledger_loss::back_up() {
    known_by_copy_ = victim_.acknowledged_by_now();
    const auto copied = victim_.ask({"backup", "--out", deployment_.path("copy.db").string()});
    if (copied.code != 0) throw std::runtime_error("I7: no backup: " + copied.err);
}

void ledger_loss::take_away() {
    if (plan_.loses_spool) {
        fs::remove_all(deployment_.state());
        if (plan_.fate == ledger_fate::restored) fs::create_directory(deployment_.state());
    } else {
        for (const auto* ending : {"", "-wal", "-shm"})
            fs::remove(deployment_.state() / (std::string("ledger.db") + ending));
    }
    if (plan_.fate == ledger_fate::restored)
        fs::copy_file(deployment_.path("copy.db"), deployment_.state() / "ledger.db");
}

void ledger_loss::wait_for_list() const {
    for (int look = 0; look < patience; ++look) {
        const auto reply = test::run({"curl", "-sf", "-H", "Authorization: Bearer " + plan_.api_key(),
                                      deployment_.provider_url() + "/v1/batches?limit=100"});
        const auto list = json::parse(reply.out, nullptr, false);
        if (list.is_object() && list["data"].size() == batches_.size()) return;
    }
    throw std::runtime_error("the provider's list does not show every batch");
}

void ledger_loss::strike(chance& c) {
    victim_.die();
    victim_.forget_orders(known_by_copy_);
    const auto truth = deployment_.truth();
    for (const auto& batch : truth["batches"])
        batches_.push_back(batch);
    for (const auto& file : truth["files"])
        files_.insert(file["id"].get<std::string>());
    wait_for_list();
    take_away();
    struck_ = true;
    victim_.rise(c);
}

bool take_in(victim& v) {
    for (const auto& run : runs_in_the_way(v)) {
        (void)v.cancel_run(run);
        for (int look = 0; look < patience && is_open(v, run); ++look)
            wait_ms(20);
    }
    (void)v.ask({"adopt", "--all"});
    const auto list = v.ask_json({"adopt"});
    if (!list.contains("batches") || v.ask_json({"status"})["unknown_batches"] != 0) return false;
    return std::none_of(list["batches"].begin(), list["batches"].end(),
                        [](const json& b) { return b["can_adopt"] == true && b["let_go"] == false; });
}

} // namespace enrichd::killer
