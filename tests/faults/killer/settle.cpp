// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/killer/settle.hpp"

#include "tests/faults/killer/ledger_loss.hpp"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <stdexcept>

namespace enrichd::killer {

namespace {

using nlohmann::json;

constexpr int looks = 1000;
constexpr int look_ms = 200;
constexpr int looks_at_list = 60;
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

// What is held up is to heal by itself, now that nothing is in its way: the daemon tells when it tries again.
// Nobody helps it but a person who does not want to wait for longer than that.
class nurse {
public:
    nurse(victim& v, violations& out) : victim_(v), out_(out) {}

    void look_after(const json& job) {
        if (job["blocked"].is_null()) return;
        const auto id = job["id"].get<std::string>();
        const auto hint = job["blocked"]["hint"].get<std::string>();
        const auto is_told = [&](const std::string& what) { return hint.find(what) != hint.npos; };
        if (is_told("to go on without them: enrichctl cancel " + id))
            (void)victim_.ask({"cancel", id});
        else if (is_told("give it up: enrichctl cancel " + id) && ++not_found_[id] > looks_at_404)
            (void)victim_.ask({"cancel", id, "--abandon"});
        else if (job["next_due_ms"].is_number())
            hurry(id, job["next_due_ms"].get<std::int64_t>() - now_ms());
    }

    // A copy that was put back without the spool has no request files to send again from.
    void look_after_run(const json& run) {
        const auto why = run["waiting_for"].is_string() ? run["waiting_for"].get<std::string>() : "";
        if (why.find(".requests.jsonl: cannot open: No such file") != why.npos)
            victim_.cancel_run(run["id"].get<std::string>());
    }

private:
    static std::int64_t now_ms() {
        using namespace std::chrono;
        return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
    }

    void hurry(const std::string& id, std::int64_t wait) {
        if (wait > longest_wait_ms)
            out_.push_back(fmt::format("I7: job {} is not tried again for {} s", id, wait / 1000));
        if (wait > patience_ms) (void)victim_.ask({"retry", id});
    }

    static constexpr int looks_at_404 = 50;                  // a gateway says so for a while, too
    static constexpr std::int64_t patience_ms = 8'000;       // after five failures in a row
    static constexpr std::int64_t longest_wait_ms = 300'000; // however many there were

    victim& victim_;
    violations& out_;
    std::map<std::string, int> not_found_; ///< by job: looks that found it so
};

bool is_all_done(victim& v, nurse& n) {
    bool done = true;
    const auto jobs = v.ask_json({"jobs", "--all"}); // named: what a loop's head takes a part of goes with it
    for (const auto& job : jobs["jobs"]) {
        done = done && !job["ended_ms"].is_null() && !has_open_twin(job);
        n.look_after(job);
    }
    const auto status = v.ask_json({"status"});
    for (const auto& run : status["runs"]) {
        done = done && !run["ended_ms"].is_null();
        if (run["ended_ms"].is_null()) n.look_after_run(run);
    }
    return done;
}

// It only looks, and gives no order but those of the nurse.
void wait_for_all(victim& v, violations& out) {
    nurse n(v, out);
    for (int look = 0; look < looks; ++look) {
        if (is_all_done(v, n)) return;
        wait_ms(look_ms);
    }
    throw std::runtime_error("I7: not at the end after all faults were healed" + reasons(v));
}

void take_in_all(victim& v) {
    for (int look = 0; look < looks_at_list; ++look) {
        if (take_in(v)) return;
        wait_ms(look_ms);
    }
    throw std::runtime_error(
        "I7: batches of the lost ledger cannot be adopted: " + v.ask_json({"adopt"}).dump() + reasons(v));
}

std::int64_t run_once_more(victim& v, violations& out) {
    const auto reply = v.ask_json({"run", "--auto", "--timeout", "60s"}, 90);
    if (!reply.contains("run"))
        throw std::runtime_error("I7: a calm run was not begun: " + reply.dump() + reasons(v));
    wait_for_all(v, out);
    const auto run = v.ask_json({"status", reply["run"]["id"].get<std::string>()})["run"];
    if (run["state"] != "done") throw std::runtime_error("I7: a calm run did not end: " + run.dump());
    return run["requests"].get<std::int64_t>();
}

} // namespace

void settle(victim& v, bool lost_ledger, violations& out) {
    if (lost_ledger) take_in_all(v); // no order is built before
    (void)v.acknowledged();          // orders that are still under way come first
    wait_for_all(v, out);
    std::int64_t requests = 1;
    for (int run = 0; requests > 0; ++run) {
        if (run == reruns) {
            out.push_back(fmt::format("I5: rerun {} still buys {} requests", run, requests));
            return;
        }
        (void)v.ask({"quarantine", "release", "--all"});
        requests = run_once_more(v, out);
    }
}

} // namespace enrichd::killer
