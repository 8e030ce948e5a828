// SPDX-License-Identifier: Apache-2.0
#include "daemon/batch_matcher.hpp"

#include "core/batch_result.hpp"
#include "core/custom_id.hpp"
#include "core/request_lines.hpp"
#include "core/sent_request.hpp"
#include "daemon/spool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <utility>

namespace enrichd {

namespace {

constexpr std::uint32_t some_weight = 1;    // of a vector that is written nowhere
constexpr std::uint32_t most_inputs = 2048; // of one embeddings request, as the API takes them

error unreadable_file(const std::filesystem::path& file) {
    return {errc::io, fmt::format("{}: cannot be read", file.string())};
}

// Calls `take` with each line that has a custom_id, where it begins, its length with the newline, and the
// line.
template <class F>
result<void> for_each_line(const std::filesystem::path& file, F take) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return unreadable_file(file);
    std::uint64_t offset = 0;
    for (std::string line; std::getline(in, line);) {
        const auto length = line.size() + (in.eof() ? 0 : 1);
        if (auto id = read_custom_id(line); id && !id->empty()) take(std::move(*id), offset, length, line);
        offset += length;
    }
    if (in.bad()) return unreadable_file(file);
    return {};
}

} // namespace

result<sent_lines> read_sent_lines(const std::filesystem::path& file) {
    sent_lines sent;
    sent.file = file;
    const auto sha256 = hash_file(file);
    if (!sha256) return sha256.error();
    sent.sha256 = *sha256;
    std::unordered_set<std::string> seen;
    const auto read = for_each_line(
        file, [&](std::string id, std::uint64_t offset, std::uint64_t length, const std::string&) {
            sent.bytes = offset + length;
            if (seen.insert(id).second) sent.lines.push_back({std::move(id), offset, length, 0});
        });
    if (!read) return read.error();
    return sent;
}

result<sent_lines> read_answered_lines(const std::vector<std::filesystem::path>& files) {
    sent_lines sent;
    std::unordered_set<std::string> seen;
    for (const auto& file : files) {
        const auto read =
            for_each_line(file, [&](std::string id, std::uint64_t, std::uint64_t, const std::string& line) {
                if (seen.insert(id).second) sent.lines.push_back({std::move(id), 0, 0, count_vectors(line)});
            });
        if (!read) return read.error();
    }
    return sent;
}

batch_matcher::batch_matcher(recipe r, sent_lines sent, bool is_of_now)
    : recipe_(std::move(r)),
      sent_(std::move(sent)),
      is_of_now_(is_of_now),
      counter_(parse_encoding(recipe_.model.tokenizer).value()),
      asked_(sent_.lines.size()) {
    by_id_.reserve(sent_.lines.size());
    for (std::size_t i = 0; i < sent_.lines.size(); ++i)
        by_id_.emplace(sent_.lines[i].custom_id, i);
}

// The id of a text's first request tells, for the price of a hash, whether its tokens are to be counted.
void batch_matcher::take(const std::vector<source_row>& rows) {
    for (const auto& row : rows) {
        if (!needs_work(row.why)) continue;
        const auto hash = hash_text(row.title, row.text ? std::string_view(*row.text) : std::string_view{});
        const auto id = make_custom_id(recipe_.kind, recipe_.version, hash, 0);
        const auto found = by_id_.find(id);
        if (found == by_id_.end() || !place_text(row, hash, found->second)) continue;
        if (keys_.insert(row.key).second)
            rows_.push_back({static_cast<std::int64_t>(found->second), row.key, row.authority});
    }
}

// False where the batch has not all parts of the text: what it brings is no value.
bool batch_matcher::place_text(const source_row& row, const text_hash& hash, std::size_t first) {
    if (asked_[first].is_matched) return true;
    if (!is_of_now_) {
        auto& a = asked_[first];
        a.hash = hash;
        a.first = first;
        a.is_matched = true;
        return true;
    }
    auto requests = build_requests(row, recipe_, counter_);
    const auto is_sent = [this](const request_line& line) { return by_id_.contains(line.custom_id); };
    if (requests.lines.empty() || !std::all_of(requests.lines.begin(), requests.lines.end(), is_sent))
        return false;
    for (auto& line : requests.lines) {
        line.json = {};
        auto& a = asked_[by_id_.at(line.custom_id)];
        a.line = std::move(line);
        a.hash = hash;
        a.first = first;
        a.is_matched = true;
    }
    return true;
}

result<matched_batch> batch_matcher::finish() {
    matched_batch job;
    job.requests.reserve(asked_.size());
    for (std::size_t i = 0; i < asked_.size(); ++i) {
        auto& a = asked_[i];
        const auto& place = sent_.lines[i];
        if (!a.is_matched) {
            ++job.unmatched;
            a.first = i;
        }
        if (!a.is_matched || !is_of_now_) {
            const auto text = place.length > 0 ? read_range(sent_.file, place.offset, place.length)
                                               : result<std::string>(std::string());
            if (!text) return text.error();
            a.line = read_sent_request(*text, recipe_, counter_);
            a.line.custom_id = place.custom_id;
            if (a.line.chunk_tokens.empty() && recipe_.kind == kind::embeddings) {
                a.line.chunk_tokens.assign(std::clamp(place.vectors, 1U, most_inputs), some_weight);
                a.line.reply_bytes = embedding_reply_bytes(recipe_, a.line.chunk_tokens.size());
            }
        }
        add(a, i, job);
    }
    job.totals.bytes = sent_.bytes;
    job.rows = std::move(rows_);
    return job;
}

void batch_matcher::add(const asked& a, std::size_t number, matched_batch& to) const {
    new_request r;
    r.number = static_cast<std::int64_t>(number);
    r.text = static_cast<std::int64_t>(a.first);
    r.custom_id = a.line.custom_id;
    r.hash = a.hash;
    r.part = a.line.part;
    r.parts = a.line.parts;
    r.chunk_tokens = a.line.chunk_tokens;
    r.input_tokens = a.line.input_tokens;
    r.output_cap = a.line.output_cap;
    r.bound = upper_bound(a.line, recipe_.model);
    r.file_offset = sent_.lines[number].offset;
    r.file_length = sent_.lines[number].length;
    to.requests.push_back(std::move(r));
    to.totals.add(a.line, recipe_.model);
    to.max_line_bytes = std::max(to.max_line_bytes, longest_line(a.line.reply_bytes));
}

} // namespace enrichd
