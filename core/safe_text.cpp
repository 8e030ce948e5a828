// SPDX-License-Identifier: Apache-2.0
#include "core/safe_text.hpp"

namespace enrichd {

bool begins_with_late_control(std::string_view rest) {
    return rest.size() > 1 && rest[0] == '\xc2' && static_cast<unsigned char>(rest[1]) >= 0x80 &&
           static_cast<unsigned char>(rest[1]) < 0xa0;
}

std::string safe_text(std::string_view utf8, std::size_t limit) {
    auto end = utf8.size();
    if (end > limit) {
        end = limit;
        while (end > 0 && (static_cast<unsigned char>(utf8[end]) & 0xc0) == 0x80)
            --end;
    }
    std::string safe;
    safe.reserve(end + 3);
    for (std::size_t i = 0; i < end; ++i) {
        const bool late = begins_with_late_control(utf8.substr(i, end - i));
        const auto byte = static_cast<unsigned char>(utf8[i]);
        safe.push_back(late || byte < 0x20 || byte == 0x7f ? ' ' : utf8[i]);
        if (late) ++i;
    }
    if (end < utf8.size()) safe += "\u2026";
    return safe;
}

} // namespace enrichd
