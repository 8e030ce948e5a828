// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/killer/settle.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace enrichd::killer {

namespace {

using nlohmann::json;

constexpr int looks = 40; // each waits up to five seconds
constexpr int reruns = 8; // for rows that were edited or released, and while the provider has faults left

// The daemon's own words for why it has not ended.
std::string reasons(victim& v) {
    std::string all;
    const auto status = v.ask_json({"status"});
    for (const auto& run : status["runs"])
        if (run["ended_ms"].is_null())
            all += fmt::format("; run {} is {}: {}", run["id"].dump(), run["state"].dump(),
                               run["waiting_for"].dump());
    const auto jobs = v.ask_json({"jobs"});
    for (const auto& job : jobs["jobs"])
        all += fmt::format("; job {} is {}: {} {}", job["id"].dump(), job["state"].dump(), job["why"].dump(),
                           job["blocked"].dump());
    return all;
}

bool has_open_twin(const json& job) {
    for (const auto& twin : job["twins"])
        if (twin["actual_usd"].is_null()) return true;
    return false;
}

// As the hint says: to be tried again now, or, where the provider names no file of results, to be gone on
// without.
void follow_hint(victim& v, const json& job) {
    const auto id = job["id"].get<std::string>();
    const auto hint = job["blocked"]["hint"].get<std::string>();
    const bool goes_without = hint.find("to go on without them: enrichctl cancel " + id) != hint.npos;
    (void)v.ask({goes_without ? "cancel" : "retry", id});
}

// Waits for one that is open; false if there is none. A wait that is over early is no fault: it looks again.
bool wait_for_some(victim& v) {
    const auto jobs = v.ask_json({"jobs", "--all"});
    bool some = false;
    for (const auto& job : jobs["jobs"]) {
        some = some || job["ended_ms"].is_null() || has_open_twin(job);
        if (!job["blocked"].is_null()) follow_hint(v, job);
    }
    const auto status = v.ask_json({"status"});
    for (const auto& run : status["runs"])
        if (run["ended_ms"].is_null()) {
            (void)v.ask({"poll", run["id"].get<std::string>(), "--timeout", "5s"});
            return true;
        }
    if (some) wait_ms(200);
    return some;
}

void wait_for_all(victim& v) {
    for (int look = 0; look < looks; ++look)
        if (!wait_for_some(v)) return;
    throw std::runtime_error("I7: not at the end after all faults were healed" + reasons(v));
}

std::int64_t run_once_more(victim& v) {
    const auto reply = v.ask_json({"run", "--auto", "--timeout", "60s"}, 90);
    if (!reply.contains("run"))
        throw std::runtime_error("I7: a calm run was not begun: " + reply.dump() + reasons(v));
    wait_for_all(v);
    const auto run = v.ask_json({"status", reply["run"]["id"].get<std::string>()})["run"];
    if (run["state"] != "done") throw std::runtime_error("I7: a calm run did not end: " + run.dump());
    return run["requests"].get<std::int64_t>();
}

} // namespace

void settle(victim& v, violations& out) {
    (void)v.acknowledged(); // orders that are still under way come first
    wait_for_all(v);
    std::int64_t requests = 1;
    for (int run = 0; requests > 0; ++run) {
        if (run == reruns) {
            out.push_back(fmt::format("I5: rerun {} still buys {} requests", run, requests));
            return;
        }
        (void)v.ask({"quarantine", "release", "--all"});
        requests = run_once_more(v);
    }
}

} // namespace enrichd::killer
