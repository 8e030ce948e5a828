// Debian changelogs as dated records of text.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/changelog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace enrichd::tests {
namespace {

/// Length of the UTF-8 sequence that `s` begins with, 0 if it begins with none (RFC 3629).
std::size_t utf8_sequence(std::string_view s) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || s.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return 0;
    }
    const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
    const bool beyond = (lead == 0xED && byte(1) > 0x9F) || (lead == 0xF4 && byte(1) > 0x8F);
    return overlong || beyond ? 0 : length;
}

std::string to_utf8(std::string_view raw) {
    std::string out;
    out.reserve(raw.size());
    while (!raw.empty()) {
        const std::size_t length = utf8_sequence(raw);
        if (length != 0) {
            out += raw.substr(0, length);
        } else {
            const auto latin1 = static_cast<unsigned char>(raw[0]);
            out += static_cast<char>(0xC0 | (latin1 >> 6));
            out += static_cast<char>(0x80 | (latin1 & 0x3F));
        }
        raw.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return out;
}

std::string_view next_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) {
        line.remove_suffix(1);
    }
    return line;
}

/// "package (version) distributions; urgency=medium" -> package and version
std::optional<std::pair<std::string, std::string>> parse_title(std::string_view line) {
    const std::size_t open = line.find(" (");
    const std::size_t close = line.find(')', open == std::string_view::npos ? 0 : open);
    if (open == 0 || open == std::string_view::npos || close == std::string_view::npos) return std::nullopt;
    const std::string_view package = line.substr(0, open);
    const std::string_view version = line.substr(open + 2, close - open - 2);
    const auto in_name = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    };
    if (!std::ranges::all_of(package, in_name) || version.empty() || version.find(' ') != version.npos ||
        line.find(';', close) == line.npos) {
        return std::nullopt;
    }
    return std::pair(std::string(package), std::string(version));
}

/// Lines between title and closing line, without blank ones at both ends.
std::string join_body(const std::vector<std::string_view>& lines) {
    std::string body;
    std::size_t blank = 0;
    for (std::string_view line : lines) {
        if (line.empty()) {
            ++blank;
            continue;
        }
        if (!body.empty()) body.append(blank + 1, '\n');
        blank = 0;
        body += to_utf8(line.starts_with("  ") ? line.substr(2) : line);
    }
    return body;
}

using order = std::tuple<std::int64_t, std::string_view, std::string_view>;
order order_of(const changelog_entry& e) {
    return {-e.date_seconds, e.package, e.version};
}

} // namespace

std::int64_t parse_changelog_date(std::string_view text) {
    static constexpr std::array months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::string copy(text.substr(0, 64));
    std::array<char, 4> month{};
    char sign = 0;
    int day = 0, year = 0, hour = 0, minute = 0, second = 0, zone = 0;
    const int read = std::sscanf(copy.c_str(), "%*3s, %2d %3s %4d %2d:%2d:%2d %c%4d", &day, month.data(),
                                 &year, &hour, &minute, &second, &sign, &zone);
    const auto found = std::ranges::find(months, std::string_view(month.data()));
    if (read != 8 || found == months.end() || (sign != '+' && sign != '-')) return -1;
    const auto month_number = static_cast<unsigned>(found - months.begin() + 1);
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month_number),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok() || hour > 23 || minute > 59 || second > 60) return -1;
    const int offset = (zone / 100 * 60 + zone % 100) * 60 * (sign == '-' ? -1 : 1);
    const auto days = std::chrono::sys_days(date).time_since_epoch().count();
    return std::int64_t{days} * 86400 + hour * 3600 + minute * 60 + second - offset;
}

std::vector<changelog_entry> parse_changelog(std::string_view text) {
    std::vector<changelog_entry> entries;
    std::optional<changelog_entry> open;
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::string_view line = next_line(text);
        if (!open) {
            if (line.empty()) continue;
            auto title = parse_title(line);
            if (!title) break;
            open = changelog_entry{std::move(title->first), std::move(title->second), to_utf8(line), {}, 0};
            lines.clear();
        } else if (line.starts_with(" -- ")) {
            const std::size_t after_name = line.find(">  ");
            open->date_seconds =
                after_name == line.npos ? -1 : parse_changelog_date(line.substr(after_name + 3));
            open->body = join_body(lines);
            if (open->date_seconds < 0) break;
            if (!open->body.empty()) entries.push_back(std::move(*open));
            open.reset();
        } else if (line.empty() || line.starts_with(' ') || line.starts_with('\t')) {
            lines.push_back(line);
        } else {
            break;
        }
    }
    return entries;
}

changelog_entry whole_changelog(const std::vector<changelog_entry>& entries, std::size_t max_bytes) {
    std::map<std::string_view, std::vector<const changelog_entry*>> packages;
    for (const auto& e : entries)
        packages[e.package].push_back(&e);
    changelog_entry best{{}, "whole", {}, {}, 0};
    for (auto& [name, versions] : packages) {
        std::ranges::sort(versions, {}, [](const auto* e) { return order_of(*e); });
        std::string body;
        for (const auto* e : versions) {
            if (body.size() + e->title.size() + e->body.size() + 4 > max_bytes) break;
            body += fmt::format("{}{}\n\n{}", body.empty() ? "" : "\n\n", e->title, e->body);
        }
        if (body.size() <= best.body.size()) continue;
        best.package = name;
        best.title = fmt::format("{}: all changes up to version {}", name, versions.front()->version);
        best.body = std::move(body);
        best.date_seconds = versions.front()->date_seconds;
    }
    return best;
}

std::vector<changelog_entry> pick_entries(std::vector<changelog_entry> entries, std::size_t limit) {
    std::ranges::sort(entries, {}, order_of);
    std::set<std::pair<std::string, std::string>> seen;
    std::erase_if(entries, [&](const auto& e) { return !seen.emplace(e.package, e.version).second; });

    const std::array<std::function<bool(const changelog_entry&)>, 4> sorts = {
        [](const auto& e) { return e.body.size() >= 8000; },
        [](const auto& e) { return e.body.size() < 60; },
        [](const auto& e) { return std::ranges::any_of(e.body, [](char c) { return (c & 0x80) != 0; }); },
        [](const auto& e) { return e.body.find("CVE-") != std::string::npos; },
    };
    std::set<std::size_t> chosen;
    for (const auto& of_sort : sorts) {
        std::size_t wanted = limit / 20;
        for (std::size_t i = 0; i < entries.size() && wanted > 0; ++i) {
            if (of_sort(entries[i]) && chosen.insert(i).second) --wanted;
        }
    }
    for (std::size_t i = 0; i < entries.size() && chosen.size() < limit; ++i)
        chosen.insert(i);

    std::vector<changelog_entry> picked;
    for (std::size_t i : chosen)
        picked.push_back(std::move(entries[i]));
    return picked;
}

std::string iso_time(std::int64_t seconds) {
    const std::chrono::sys_seconds time{std::chrono::seconds(seconds)};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

} // namespace enrichd::tests
