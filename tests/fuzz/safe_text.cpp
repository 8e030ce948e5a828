// Text from elsewhere, made safe to show: no control character survives, whatever the bytes.
// SPDX-License-Identifier: Apache-2.0
#include "core/safe_text.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto text = fuzz::text_of(data, size);
    const auto limit = fuzz::take_byte(text);
    for (const std::string& any : {std::string(text), replace_invalid_utf8(text).text}) {
        const auto safe = safe_text(any, limit);
        fuzz::require(fuzz::has_no_controls(safe), "no control character survives");
        fuzz::require(safe.size() <= limit + std::string_view("\u2026").size(), "it is cut to the limit");
        fuzz::require(!is_valid_utf8(any) || is_valid_utf8(safe), "UTF-8 stays UTF-8");
        fuzz::require(any.size() > limit || safe.size() <= any.size(), "a short text is not cut");
    }
    return 0;
}
