// The details of one JOB object: its history, submissions, samples and files.
// SPDX-License-Identifier: Apache-2.0
#include "core/batch_request.hpp"
#include "core/json_edge.hpp"
#include "core/safe_text.hpp"
#include "core/utf8.hpp"
#include "daemon/operations/job_reply.hpp"
#include "daemon/submission_name.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>

namespace enrichd {

namespace {

using json = nlohmann::json;

constexpr std::int64_t samples_of_each = 3;
constexpr std::size_t sample_characters = 200;
// Longer lines are not read for a sample: the reply is made on the loop's thread.
constexpr std::uint64_t longest_sample_line = 256 * 1024;

json history_array(const std::vector<history_row>& history) {
    json all = json::array();
    for (const auto& h : history) {
        auto note = h.detail.empty() ? h.event : h.detail;
        all.push_back({{"at_ms", h.at_ms},
                       {"from", h.from_state.empty() ? json(nullptr) : json(h.from_state)},
                       {"to", h.to_state},
                       {"note", std::move(note)}});
    }
    return all;
}

json path_if_there(const std::filesystem::path& path) {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored) ? json(path.string()) : json(nullptr);
}

std::string first_characters(std::string_view text) {
    std::size_t at = 0;
    for (std::size_t n = 0; at < text.size() && n < sample_characters; ++n) {
        ++at;
        while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80)
            ++at;
    }
    return std::string(text.substr(0, at));
}

// What a request asked about: the content of its last message, or its first input.
std::string asked_text(const json& line) {
    const auto* body = member(line, "body");
    if (!body) return {};
    if (const auto* messages = member(*body, "messages");
        messages && messages->is_array() && !messages->empty())
        return std::string(text_within_frame(text_member(messages->back(), "content").value_or("")));
    const auto* input = member(*body, "input");
    if (!input) return {};
    if (input->is_string()) return input->get<std::string>();
    if (input->is_array() && !input->empty() && input->front().is_string())
        return input->front().get<std::string>();
    return {};
}

json sample_text(const std::filesystem::path& request_file, const failed_sample& sample) {
    if (sample.file_length == 0 || sample.file_length > longest_sample_line) return nullptr;
    const auto line = read_range(request_file, sample.file_offset, sample.file_length);
    if (!line) return nullptr;
    const auto request = parse_json(*line);
    if (!request) return nullptr;
    return first_characters(asked_text(*request));
}

bool has_failed_requests(const outcome_tallies& t) {
    for (const auto& [how, n] : t.requests)
        if (n > 0 && how != outcome::ok && how != outcome::skipped && how != outcome::stale &&
            how != outcome::gone)
            return true;
    return false;
}

} // namespace

json job_reply::details(const job_row& job, bool with_rows) {
    auto object = this->object(job);
    const auto history = ledger_.history_of_job(job.id);
    object["history"] = history_array(history);
    object["submissions"] = submissions(job, history);
    object["samples"] = samples(job, with_rows);
    object["request_file"] = path_if_there(spool_.request_file(job.plan.file_name));
    object["results_file"] = job.batch_id ? path_if_there(spool_.results_file(*job.batch_id)) : json(nullptr);
    object["errors_file"] = job.batch_id ? path_if_there(spool_.errors_file(*job.batch_id)) : json(nullptr);
    return object;
}

// A submission begins with its intent. One of which no batch came to be is tried again under its own id.
json job_reply::submissions(const job_row& job, const std::vector<history_row>& history) const {
    json all = json::array();
    bool open = false;
    const auto begin = [&](std::int64_t at_ms) {
        const auto attempt = static_cast<std::int64_t>(all.size()) + 1;
        all.push_back({{"id", submission_id(ledger_.installation(), job, attempt)},
                       {"batch_id", nullptr},
                       {"created_ms", at_ms},
                       {"requests", job.plan.totals.requests}});
    };
    for (const auto& h : history) {
        if (h.from_state == h.to_state) continue;
        if (h.to_state == "intent_submit" && !open) {
            begin(h.at_ms);
            open = true;
        } else if (h.to_state == "submitted") {
            if (!open) begin(h.at_ms); // by another life of this ledger
            all.back()["batch_id"] = h.detail.substr(0, h.detail.find(','));
            open = false;
        }
    }
    return all;
}

json job_reply::samples(const job_row& job, bool with_rows) {
    json all = json::array();
    if (!has_failed_requests(ledger_.requests().tallies(job.id))) return all;
    for (const auto& s : ledger_.failures().samples(job.id, samples_of_each)) {
        json sample = {{"key", s.key},
                       {"outcome", name(s.how)},
                       {"http_status", s.http_status},
                       {"tries", job.plan.attempt}};
        if (with_rows) {
            sample["reason"] = s.reason;
            sample["text"] = sample_text(spool_.request_file(job.plan.file_name), s);
        }
        all.push_back(std::move(sample));
    }
    return all;
}

} // namespace enrichd
