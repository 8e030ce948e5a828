// Tokens of any bytes: together they are the text, and a text counts as much as its words do.
// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer.hpp"

#include <string>

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

namespace {

void check(token_counter& counter, std::string_view text) {
    const auto tokens = counter.encode(text);
    const auto count = counter.count(text);
    fuzz::require(count == counter.count(text), "counting twice gives the same");
    fuzz::require(count <= text.size(), "no token is empty");
    if (!is_valid_utf8(text)) return; // of others the count is some number

    fuzz::require(count == tokens.size(), "a text has as many tokens as are counted");
    std::string bytes;
    for (const auto id : tokens)
        bytes += counter.bytes(id);
    fuzz::require(bytes == text, "the tokens are the text");

    std::size_t sum = 0;
    for (auto rest = text; !rest.empty();) {
        const auto length = counter.word_length(rest);
        fuzz::require(length > 0 && length <= rest.size(), "a word is a part of the text");
        sum += counter.count_word(rest, length);
        rest.remove_prefix(length);
    }
    fuzz::require(sum == count, "a text counts as much as its words");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static token_counter cl100k(encoding::cl100k_base), o200k(encoding::o200k_base);
    const auto text = fuzz::text_of(data, size);
    for (auto* counter : {&cl100k, &o200k}) {
        check(*counter, text);
        check(*counter, replace_invalid_utf8(text).text);
    }
    return 0;
}
