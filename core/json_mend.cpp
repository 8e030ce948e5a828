// SPDX-License-Identifier: Apache-2.0
#include "core/json_mend.hpp"

#include "core/json_edge.hpp"

#include <nlohmann/json.hpp>

#include <charconv>

namespace enrichd {

namespace {

constexpr int deepest = 64; // no answer nests so deep

// The code of "\\uXXXX" at the beginning of `rest`; absent where there is none.
std::optional<unsigned> escaped_unit(std::string_view rest) {
    if (rest.size() < 6 || rest[0] != '\\' || rest[1] != 'u') return std::nullopt;
    unsigned unit = 0;
    const auto [end, ec] = std::from_chars(rest.data() + 2, rest.data() + 6, unit, 16);
    if (ec != std::errc{} || end != rest.data() + 6) return std::nullopt;
    return unit;
}

bool is_high(unsigned unit) {
    return unit >= 0xd800 && unit < 0xdc00;
}
bool is_low(unsigned unit) {
    return unit >= 0xdc00 && unit < 0xe000;
}

std::string without_lone_surrogates(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] != '\\') {
            out += text[i++];
            continue;
        }
        const auto unit = escaped_unit(text.substr(i));
        if (!unit) { // another escape: its second character never begins one
            out += text.substr(i, 2);
            i += 2;
            continue;
        }
        const auto next = is_high(*unit) ? escaped_unit(text.substr(i + 6)) : std::nullopt;
        const bool pair = next && is_low(*next);
        if ((is_high(*unit) || is_low(*unit)) && !pair)
            out += "\\ufffd";
        else
            out += text.substr(i, pair ? 12 : 6);
        i += pair ? 12 : 6;
    }
    return out;
}

} // namespace

std::optional<std::string> mend_json(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    while (text.ends_with('\0'))
        text.remove_suffix(1);
    const auto value = parse_json(without_lone_surrogates(text), deepest);
    if (!value) return std::nullopt;
    return value->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace enrichd
