// SPDX-License-Identifier: Apache-2.0
#include "core/json_edge.hpp"

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

struct character {
    std::uint32_t code = 0;
    std::size_t bytes = 0; ///< 0: not UTF-8
};

// Of the first bytes of a text that is not empty; by the table of Unicode 15, chapter 3, D92.
character decode(std::string_view s) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    const auto lead = at(0);
    if (lead < 0x80) return {lead, 1};
    const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || s.size() < bytes) return {};
    std::uint32_t code = lead & (0x7Fu >> bytes);
    for (std::size_t i = 1; i < bytes; ++i) {
        if ((at(i) & 0xC0) != 0x80) return {};
        code = code << 6 | (at(i) & 0x3Fu);
    }
    const std::uint32_t least = bytes == 4 ? 0x10000 : bytes == 3 ? 0x800 : 0x80;
    if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
    return {code, bytes};
}

bool is_unsafe(std::uint32_t code) {
    return code < 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x061C ||
           (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF;
}

std::string escaped(std::uint32_t code) {
    switch (code) {
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: return code < 0x100 ? fmt::format("\\x{:02x}", code) : fmt::format("\\u{:04x}", code);
    }
}

} // namespace

std::optional<nlohmann::json> parse_json(std::string_view text, int max_depth) {
    if (nests_deeper(text, max_depth)) return std::nullopt;
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

std::string safe_excerpt(std::string_view bytes, std::size_t max_characters) {
    std::string out;
    for (std::size_t count = 0; !bytes.empty(); ++count) {
        if (count == max_characters) return out + "...";
        const auto [code, length] = decode(bytes);
        if (length == 0)
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes.front()));
        else if (is_unsafe(code))
            out += escaped(code);
        else
            out += bytes.substr(0, length);
        bytes.remove_prefix(length == 0 ? 1 : length);
    }
    return out;
}

} // namespace enrichd
