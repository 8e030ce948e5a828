// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/killer/books.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>

namespace enrichd::killer {

namespace {

using nlohmann::json;

std::int64_t sum(const json& counts) {
    std::int64_t all = 0;
    for (const auto& [name, n] : counts.items())
        all += n.get<std::int64_t>();
    return all;
}

std::int64_t tokens(const json& usage) {
    if (!usage.is_object()) return 0;
    return usage["input_tokens"].get<std::int64_t>() + usage["output_tokens"].get<std::int64_t>();
}

bool is_one_of(const json& state, std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(), [&](const char* n) { return state == n; });
}

} // namespace

books::books(test::deployment& d, victim& v, const round_plan& p, const ledger_loss& l, violations& out)
    : deployment_(d), victim_(v), plan_(p), loss_(l), out_(out), truth_(d.truth()) {
    const auto all = v.ask_json({"jobs", "--all"});
    for (const auto& job : all["jobs"])
        jobs_.push_back(v.ask_json({"job", job["id"].get<std::string>()})["job"]);
}

std::size_t books::requests() const {
    std::size_t all = 0;
    for (const auto& job : jobs_)
        all += job["requests"].get<std::size_t>();
    return all;
}

void books::check_runs(const std::vector<json>& acknowledged) {
    for (const auto& run : acknowledged) {
        const auto id = run["id"].get<std::string>();
        const auto now = victim_.ask_json({"status", id})["run"];
        if (!now.is_object() || now["started_ms"] != run["started_ms"])
            out_.push_back(fmt::format("I1: run {} was acknowledged, and is forgotten", id));
        else if (!is_one_of(now["state"], {"done", "refused"}) &&
                 !(now["state"] == "cancelled" && victim_.is_cancelled(id)))
            out_.push_back(fmt::format("I7: run {} is {}", id, now["state"].dump()));
        else if (sum(now["outcomes"]) != now["requests"] || now["outcomes"]["pending"] != 0)
            out_.push_back(fmt::format("I2: run {} has {} requests, and outcomes {}", id,
                                       now["requests"].dump(), now["outcomes"].dump()));
    }
}

void books::check_outcomes() {
    for (const auto& job : jobs_) {
        const auto id = job["id"].get<std::string>();
        if (!is_one_of(job["state"], {"merged", "failed", "cancelled", "discarded"}))
            out_.push_back(fmt::format("I7: job {} is {}: {}", id, job["state"].dump(), job["why"].dump()));
        else if (sum(job["outcomes"]) != job["requests"] || job["outcomes"]["pending"] != 0)
            out_.push_back(fmt::format("I2: job {} has {} requests, and outcomes {}", id,
                                       job["requests"].dump(), job["outcomes"].dump()));
    }
    if (const auto sound = victim_.ask({"verify"}); sound.code != 0)
        out_.push_back("I2: the ledger is not sound: " + sound.out + sound.err);
}

json books::job_of_batch(const std::string& batch_id) const {
    for (const auto& job : jobs_)
        for (const auto* list : {"submissions", "twins"})
            for (const auto& entry : job[list])
                if (entry["batch_id"] == batch_id) return job;
    return nullptr;
}

const json* books::twin(const std::string& batch_id) const {
    for (const auto& job : jobs_)
        for (const auto& twin : job["twins"])
            if (twin["batch_id"] == batch_id) return &twin;
    return nullptr;
}

// Of what a lost ledger knew, nothing is to be had of batches that did nothing, nor where one of two files of
// results was tidied by then.
bool books::is_out_of_reach(const json& batch) const {
    const auto& before = loss_.batches();
    if (std::none_of(before.begin(), before.end(), [&](const json& b) { return b["id"] == batch["id"]; }))
        return false;
    if (tokens(batch["billed"]) == 0) return true;
    int named = 0, there = 0;
    for (const auto* file : {"true_output_file_id", "true_error_file_id"})
        if (batch[file].is_string()) {
            ++named;
            there += loss_.files().count(batch[file].get<std::string>()) > 0 ? 1 : 0;
        }
    return named == 2 && there == 1;
}

// A file as the provider gives it out, which may have a fault or two left.
std::string books::content_of(const std::string& file_id) const {
    test::finished got;
    for (int tries = 0; tries < 10; ++tries) {
        got = test::run({"curl", "-sf", "-H", "Authorization: Bearer " + plan_.api_key(),
                         fmt::format("{}/v1/files/{}/content", deployment_.provider_url(), file_id)});
        if (got.code == 0) return got.out;
    }
    throw std::runtime_error("the sandbox does not give out " + file_id);
}

// The requests of a batch whose answers can be read: by its output file, where that stayed at the provider.
std::vector<std::string> books::answered(const json& batch) const {
    std::set<std::string> ids;
    if (!plan_.keeps_results)
        for (const auto& [id, usage] : batch["billed_by_custom_id"].items())
            ids.insert(id);
    else if (batch["true_output_file_id"].is_string()) {
        const auto content = content_of(batch["true_output_file_id"].get<std::string>());
        std::istringstream lines(content);
        for (std::string text; std::getline(lines, text);)
            if (const auto line = json::parse(text, nullptr, false);
                line.is_object() && line["response"].is_object() && line["response"]["status_code"] == 200)
                ids.insert(line["custom_id"].get<std::string>());
    }
    return {ids.begin(), ids.end()};
}

void books::check_batches() {
    std::map<std::string, std::vector<json>> made;
    std::map<std::string, int> bought;
    for (const auto& batch : truth_["batches"]) {
        const auto id = batch["id"].get<std::string>();
        if (batch["status"] != "failed")
            made[batch["metadata"]["enrichd_submission"].get<std::string>()].push_back(batch);
        if (job_of_batch(id).is_null() && !is_out_of_reach(batch))
            out_.push_back(
                fmt::format("I3: batch {} ({}) is in no job of the ledger", id, batch["status"].dump()));
        if (const auto* second = twin(id)) {
            check_twin(batch, *second, out_);
            continue;
        }
        for (const auto& request : answered(batch))
            ++bought[request];
    }
    for (const auto& [submission, batches] : made) {
        if (batches.size() < 2) continue;
        const auto live = std::count_if(batches.begin(), batches.end(), [&](const json& b) {
            return b["status"] != "cancelled" && twin(b["id"].get<std::string>()) == nullptr;
        });
        const auto job = job_of_batch(batches.front()["id"].get<std::string>());
        const bool is_marked = job.is_object() && job["maybe_duplicate"] == true;
        if (!plan_.hides_batches || !is_marked || live > 1)
            out_.push_back(fmt::format("I3: submission {} has {} batches, {} of them live{}", submission,
                                       batches.size(), live, is_marked ? "" : ", and is not marked"));
    }
    for (const auto& [request, times] : bought)
        if (times > 1) out_.push_back(fmt::format("I3: request {} was answered {} times", request, times));
}

void books::check_bills() {
    std::int64_t billed = 0, booked = 0;
    for (const auto& batch : truth_["batches"])
        if (!is_out_of_reach(batch) || !job_of_batch(batch["id"].get<std::string>()).is_null())
            billed += tokens(batch["billed"]);
    for (const auto& job : jobs_)
        booked += tokens(job["usage"]);
    if (billed != booked)
        out_.push_back(fmt::format("I4: {} tokens were billed, {} are booked", billed, booked));
}

void check_twin(const json& batch, const json& twin, violations& out) {
    const auto end = [&](const char* name) {
        return batch[name].is_number() ? batch[name].get<std::int64_t>() * 1000
                                       : std::numeric_limits<std::int64_t>::max();
    };
    const bool stopped = batch["cancelling_at"].is_number() || batch["status"] == "cancelled";
    const auto ended_ms = std::min({end("completed_at"), end("expired_at"), end("failed_at")});
    const auto id = batch["id"].get<std::string>();
    if (!stopped && ended_ms > twin["found_ms"].get<std::int64_t>())
        out.push_back(fmt::format("I3: batch {}, a second one, was found and not stopped; it is {}", id,
                                  batch["status"].dump()));
    if (twin["batch_status"] != batch["status"])
        out.push_back(fmt::format("I3: batch {}, a second one, is {}, and {} in the ledger", id,
                                  batch["status"].dump(), twin["batch_status"].dump()));
    if (tokens(batch["billed"]) > 0 && (!twin["actual_usd"].is_string() || twin["actual_usd"] == "0"))
        out.push_back(fmt::format("I4: batch {}, a second one, cost something, and {} is booked", id,
                                  twin["actual_usd"].dump()));
}

void check_rows(const std::string& rows, const std::string& calm_rows,
                const std::set<std::string>& enriched_elsewhere, violations& out) {
    std::map<json, json> calm;
    for (auto& row : json::parse(calm_rows))
        calm[row["key"]] = row;
    for (const auto& row : json::parse(rows)) {
        auto expected = calm[row["key"]];
        if (enriched_elsewhere.count(row["key"].get<std::string>()) > 0 && row["summary"] == not_ours)
            expected["summary"] = row["summary"], expected["summary_version"] = row["summary_version"];
        for (const auto* column : {"summary", "summary_version", "embedding", "embedding_version"})
            if (row[column] != expected[column])
                out.push_back(fmt::format("I5: {} of row {} is {}, and {} in a calm run", column,
                                          row["key"].dump(), row[column].dump().substr(0, 80),
                                          expected[column].dump().substr(0, 80)));
    }
    if (calm.size() != json::parse(rows).size()) out.push_back("I5: rows are missing");
}

} // namespace enrichd::killer
