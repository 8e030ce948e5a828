// UTF-8: what is valid is what simdjson says, and what is not is made so.
// SPDX-License-Identifier: Apache-2.0
#include "core/utf8.hpp"

#include <simdjson.h>

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    const bool valid = is_valid_utf8(text);
    fuzz::require(valid == simdjson::validate_utf8(text.data(), text.size()), "simdjson agrees");

    const auto repaired = replace_invalid_utf8(text);
    fuzz::require(is_valid_utf8(repaired.text), "what was repaired is valid");
    fuzz::require(valid == (repaired.replaced == 0), "something is replaced only where it must be");
    if (valid) fuzz::require(repaired.text == text, "a valid text is unchanged");

    std::size_t at = 0;
    while (at < text.size()) {
        const auto c = decode_utf8(text.data() + at, text.data() + text.size());
        fuzz::require(c.length >= 1 && at + c.length <= text.size(), "a character ends within the text");
        if (valid) fuzz::require(utf8_border_before(text, at + c.length - 1) == at, "borders are before it");
        at += c.length;
    }
    fuzz::require(at == text.size(), "characters make up the text");
    return 0;
}
