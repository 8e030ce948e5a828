// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/killer/ledger_loss.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

namespace enrichd::killer {

namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr int patience = 50; // looks for something that a command has ordered

// "... job 7 is to buy some of the same; nothing was adopted. Cancel that first: enrichctl cancel 7"
std::set<std::string> jobs_in_the_way(const std::string& words) {
    constexpr std::string_view advice = "Cancel that first: enrichctl cancel ";
    std::set<std::string> jobs;
    for (auto at = words.find(advice); at != words.npos; at = words.find(advice, at)) {
        at += advice.size();
        jobs.insert(words.substr(at, words.find_first_not_of("0123456789", at) - at));
    }
    return jobs;
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
    for (const auto& job : jobs_in_the_way(v.ask({"adopt", "--all"}).err))
        (void)v.ask({"cancel", job});
    const auto list = v.ask_json({"adopt"});
    if (!list.contains("batches") || v.ask_json({"status"})["unknown_batches"] != 0) return false;
    return std::none_of(list["batches"].begin(), list["batches"].end(),
                        [](const json& b) { return b["can_adopt"] == true && b["let_go"] == false; });
}

} // namespace enrichd::killer
