// What the flags of enrichctl take.
// SPDX-License-Identifier: Apache-2.0
#include "core/control.hpp"

#include "core/iso_time.hpp"
#include "core/kind.hpp"
#include "core/money.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace enrichd {

namespace {

std::string_view expected_by(flag_id id) {
    switch (id) {
    case flag_id::mode: return "enrich";
    case flag_id::kind: return "summaries or embeddings";
    case flag_id::since: return "a date such as 2025-07-01, or a time such as 2025-07-01T12:00Z";
    case flag_id::limit: return "a whole number of at least 1";
    case flag_id::budget: return "dollars, such as 25 or 1.50";
    case flag_id::profile: return "test or full";
    case flag_id::authorities: return "names, separated by commas";
    case flag_id::refresh: return "legacy";
    case flag_id::timeout: return "a time such as 90, 90s, 5m or 26h";
    case flag_id::encoding: return "cl100k_base or o200k_base";
    case flag_id::out:
    case flag_id::input: return "the name of a file";
    case flag_id::batch_id:
    case flag_id::run: return "an id";
    case flag_id::model: return "the name of a model";
    case flag_id::adopt: return "the provider's id of a batch";
    case flag_id::automatic:
    case flag_id::wait:
    case flag_id::no_wait:
    case flag_id::all:
    case flag_id::plan:
    case flag_id::jsonl:
    case flag_id::abandon:
    case flag_id::resubmit:
    case flag_id::leave:
    case flag_id::csv: return "nothing";
    }
    return "";
}

bool is_count(const std::string& s) {
    std::uint64_t n = 0;
    const auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), n);
    return ec == std::errc{} && end == s.data() + s.size() && n > 0 && n <= INT64_MAX;
}

bool is_kinds(const std::string& s) {
    const auto words = split_list(s);
    return !words.empty() &&
           std::all_of(words.begin(), words.end(), [](const auto& w) { return parse_kind(w).has_value(); });
}

bool is_right(flag_id id, const std::string& v) {
    switch (id) {
    case flag_id::mode: return v == "enrich";
    case flag_id::kind: return is_kinds(v);
    case flag_id::since: return parse_iso_time(v).has_value();
    case flag_id::limit: return is_count(v);
    case flag_id::budget: return parse_dollars(v).has_value();
    case flag_id::profile: return v == "test" || v == "full";
    case flag_id::authorities: return !split_list(v).empty();
    case flag_id::refresh: return v == "legacy";
    case flag_id::timeout: return parse_duration(v).has_value();
    case flag_id::encoding: return v == "cl100k_base" || v == "o200k_base";
    case flag_id::out:
    case flag_id::input:
    case flag_id::batch_id:
    case flag_id::run:
    case flag_id::model:
    case flag_id::adopt: return !v.empty();
    case flag_id::automatic:
    case flag_id::wait:
    case flag_id::no_wait:
    case flag_id::all:
    case flag_id::plan:
    case flag_id::jsonl:
    case flag_id::abandon:
    case flag_id::resubmit:
    case flag_id::leave:
    case flag_id::csv: return v.empty();
    }
    return false;
}

} // namespace

std::optional<std::string> complaint_about(flag_id id, const std::string& value) {
    if (is_right(id, value)) return std::nullopt;
    return fmt::format("expected {}, got \"{}\"", expected_by(id), value);
}

std::optional<double> parse_duration(std::string_view text) {
    double n = 0;
    const auto [end, ec] =
        std::from_chars(text.data(), text.data() + text.size(), n, std::chars_format::fixed);
    const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
    if (ec != std::errc{} || !(n >= 0)) return std::nullopt;
    for (const auto& [word, seconds] : {std::pair<std::string_view, double>{"", 1},
                                        {"ms", 0.001},
                                        {"s", 1},
                                        {"m", 60},
                                        {"h", 3600},
                                        {"d", 86400}})
        if (unit == word && n * seconds <= 366.0 * 86400) return n * seconds;
    return std::nullopt;
}

std::vector<std::string> split_list(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const auto comma = text.find(',');
        auto part = text.substr(0, comma);
        text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
        const auto first = part.find_first_not_of(" \t");
        if (first == std::string_view::npos) continue;
        parts.emplace_back(part.substr(first, part.find_last_not_of(" \t") - first + 1));
    }
    return parts;
}

} // namespace enrichd
