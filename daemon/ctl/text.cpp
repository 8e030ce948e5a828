// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/money.hpp"
#include "core/utf8.hpp"

namespace enrichd::ctl {

namespace {

using code_points = std::pair<char32_t, char32_t>;

// Of Unicode's EastAsianWidth.txt (W and F, by blocks) and the combining marks and format characters that
// texts have.
constexpr code_points wide[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},
                                {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},
                                {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F},
                                {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
constexpr code_points narrow_none[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x064B, 0x065F},
                                       {0x0E31, 0x0E31}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x200B, 0x200D},
                                       {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};
// C1 controls, and the marks that turn the direction of what follows.
constexpr code_points hidden[] = {{0x80, 0x9F},     {0x061C, 0x061C}, {0x200E, 0x200F},
                                  {0x2028, 0x202E}, {0x2066, 0x2069}, {0xFEFF, 0xFEFF}};

template <std::size_t N>
bool in(const code_points (&spans)[N], char32_t c) {
    return std::any_of(spans, spans + N, [c](const code_points& s) { return c >= s.first && c <= s.second; });
}

std::size_t width_of(char32_t c) {
    return in(narrow_none, c) ? 0 : in(wide, c) ? 2 : 1;
}

std::string shown(char32_t c) {
    switch (c) {
    case '\n': return "\\n";
    case '\t': return "\\t";
    case '\r': return "\\r";
    default: break;
    }
    const auto number = static_cast<std::uint32_t>(c);
    return number < 0x100 ? fmt::format("\\x{:02x}", number) : fmt::format("\\u{:04x}", number);
}

} // namespace

std::string escape(std::string_view text) {
    const auto valid = replace_invalid_utf8(text).text;
    const char* const end = valid.data() + valid.size();
    std::string out;
    for (const char* at = valid.data(); at < end;) {
        const auto c = decode_utf8(at, end);
        if (c.value < 0x20 || c.value == 0x7F || in(hidden, c.value))
            out += shown(c.value);
        else
            out.append(at, c.length);
        at += c.length;
    }
    return out;
}

std::string one_line(std::string_view message) {
    std::string line;
    for (const char c : message) {
        const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
        if (!blank)
            line += c;
        else if (!line.empty() && line.back() != ' ')
            line += ' ';
    }
    return escape(line);
}

std::string several_lines(std::string_view message) {
    std::string out;
    while (!message.empty()) {
        const auto end = std::min(message.find('\n'), message.size());
        std::string line(message.substr(0, end));
        std::replace(line.begin(), line.end(), '\t', ' ');
        out += (out.empty() ? "" : "\n  ") + escape(line);
        message.remove_prefix(std::min(end + 1, message.size()));
    }
    return out;
}

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    for (const char *at = text.data(), *end = at + text.size(); at < end;) {
        const auto c = decode_utf8(at, end);
        width += width_of(c.value);
        at += c.length;
    }
    return width;
}

std::string cut(std::string_view text, std::size_t width) {
    if (display_width(text) <= width) return std::string(text);
    if (width == 0) return {};
    std::string out;
    std::size_t used = 1; // the ellipsis
    for (const char *at = text.data(), *end = at + text.size(); at < end;) {
        const auto c = decode_utf8(at, end);
        used += width_of(c.value);
        if (used > width) break;
        out.append(at, c.length);
        at += c.length;
    }
    return out + "\u2026";
}

namespace {

// Columns of a text with colours in it: "\x1b[31m" takes none.
std::size_t painted_width(std::string_view text) {
    std::size_t width = 0;
    while (!text.empty()) {
        const auto escape_at = std::min(text.find("\x1b["), text.size());
        width += display_width(text.substr(0, escape_at));
        text.remove_prefix(escape_at);
        text.remove_prefix(text.empty() ? 0 : std::min(text.find('m'), text.size() - 1) + 1);
    }
    return width;
}

std::string wrap_line(std::string_view line, std::size_t width) {
    const auto own_indent = std::min(line.find_first_not_of(' '), line.size());
    const auto indent = std::min(own_indent + 4, width / 2);
    std::string out, current(line.substr(0, own_indent));
    bool fresh = true; // no word stands on the current line yet
    for (auto rest = line.substr(own_indent); !rest.empty();) {
        const auto blanks = std::min(rest.find_first_not_of(' '), rest.size());
        const auto end = std::min(rest.find(' ', blanks), rest.size());
        const auto gap_and_word = rest.substr(0, end);
        if (!fresh && painted_width(current) + painted_width(gap_and_word) > width) {
            out += current + "\n";
            current = std::string(indent, ' ') + std::string(rest.substr(blanks, end - blanks));
        } else {
            current += gap_and_word;
        }
        fresh = false;
        rest.remove_prefix(end);
    }
    return out + current;
}

} // namespace

std::string wrap(std::string_view lines, std::size_t width) {
    std::string out;
    while (!lines.empty()) {
        const auto end = std::min(lines.find('\n'), lines.size());
        const auto line = lines.substr(0, end);
        out += width > 0 && painted_width(line) > width ? wrap_line(line, width) : std::string(line);
        if (end < lines.size()) out += '\n';
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    return out;
}

std::string duration(std::int64_t ms) {
    const auto seconds = ms / 1000;
    if (seconds < 120) return fmt::format("{} s", seconds);
    if (seconds < 120 * 60) return fmt::format("{} min", seconds / 60);
    if (seconds < 48 * 3600) return fmt::format("{} h", seconds / 3600);
    return fmt::format("{} d", seconds / 86400);
}

std::string relative(std::int64_t at_ms, std::int64_t now_ms) {
    const auto away = at_ms - now_ms;
    if (away > -1000 && away < 1000) return "now";
    return away > 0 ? "in " + duration(away) : duration(-away) + " ago";
}

std::string size(std::int64_t bytes) {
    if (bytes < 1000) return fmt::format("{} B", bytes);
    double n = static_cast<double>(bytes);
    for (const char* unit : {"kB", "MB", "GB"}) {
        n /= 1000;
        if (n < 999.95) return fmt::format("{:.1f} {}", n, unit);
    }
    return fmt::format("{:.1f} TB", n / 1000);
}

std::string counted(std::int64_t n, std::string_view one) {
    return fmt::format("{} {}{}", n, one, n == 1 ? "" : one.ends_with("x") ? "es" : "s");
}

std::string dollars(const std::string& exact) {
    const bool negative = exact.starts_with("-");
    const auto amount = parse_dollars(negative ? std::string_view(exact).substr(1) : std::string_view(exact));
    if (!amount) return escape(exact);
    return (negative ? "-" : "") + display_dollars(*amount);
}

} // namespace enrichd::ctl
