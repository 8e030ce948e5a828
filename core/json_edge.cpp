// SPDX-License-Identifier: Apache-2.0
#include "core/json_edge.hpp"

#include "core/utf8.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace enrichd {

namespace {

// Counts brackets outside of strings; whether they match is the parser's business.
bool nests_deeper(std::string_view text, int limit) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > limit) return true;
        } else if (c == ']' || c == '}') {
            --depth;
        }
    }
    return false;
}

bool is_unsafe(char32_t code) {
    return code < 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x061C ||
           (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF;
}

std::string escaped(char32_t code) {
    switch (code) {
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default:
        return code < 0x100 ? fmt::format("\\x{:02x}", static_cast<unsigned>(code))
                            : fmt::format("\\u{:04x}", static_cast<unsigned>(code));
    }
}

} // namespace

std::optional<nlohmann::json> parse_json(std::string_view text, int max_depth) {
    // A zero byte is nowhere in JSON; the parser would take it for the end, and what follows for nothing.
    if (text.find('\0') != std::string_view::npos || nests_deeper(text, max_depth)) return std::nullopt;
    auto parsed = nlohmann::json::parse(text, nullptr, false);
    if (parsed.is_discarded()) return std::nullopt;
    return parsed;
}

const nlohmann::json* member(const nlohmann::json& object, std::string_view key) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::optional<std::string> text_member(const nlohmann::json& object, std::string_view key) {
    const auto* value = member(object, key);
    const auto* text = value ? value->get_ptr<const std::string*>() : nullptr;
    if (!text || text->empty()) return std::nullopt;
    return *text;
}

std::optional<std::int64_t> integer_member(const nlohmann::json& object, std::string_view key) {
    const auto* value = member(object, key);
    if (!value) return std::nullopt;
    if (const auto* number = value->get_ptr<const std::uint64_t*>()) {
        if (*number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
            return std::nullopt;
        return static_cast<std::int64_t>(*number);
    }
    if (const auto* number = value->get_ptr<const std::int64_t*>()) return *number;
    if (const auto* number = value->get_ptr<const double*>()) {
        constexpr double exact = 9007199254740992.0; // 2^53
        if (std::trunc(*number) == *number && std::abs(*number) <= exact)
            return static_cast<std::int64_t>(*number);
    }
    return std::nullopt;
}

std::optional<std::int64_t> time_member(const nlohmann::json& object, std::string_view key) {
    constexpr std::int64_t year_10000 = 253'402'300'800;
    auto seconds = integer_member(object, key);
    const auto* value = member(object, key);
    const auto* real = value ? value->get_ptr<const double*>() : nullptr;
    if (!seconds && real && std::abs(*real) < 1e15) seconds = static_cast<std::int64_t>(*real);
    if (!seconds || *seconds <= -year_10000 || *seconds >= year_10000) return std::nullopt;
    return seconds;
}

std::string safe_excerpt(std::string_view bytes, std::size_t max_characters) {
    std::string out;
    for (std::size_t count = 0; !bytes.empty(); ++count) {
        if (count == max_characters) return out + "...";
        const auto [code, length] = decode_utf8(bytes.data(), bytes.data() + bytes.size());
        const auto one = bytes.substr(0, length);
        if (!is_valid_utf8(one)) {
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes.front()));
            bytes.remove_prefix(1);
            continue;
        }
        out += is_unsafe(code) ? escaped(code) : std::string(one);
        bytes.remove_prefix(length);
    }
    return out;
}

} // namespace enrichd
