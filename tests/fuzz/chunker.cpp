// Chunks of any text, and texts cut to tokens.
// SPDX-License-Identifier: Apache-2.0
#include "core/chunker.hpp"

#include <algorithm>
#include <string>

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

namespace {

void check_chunks(std::string_view text, token_counter& counter, const chunk_limits& limits) {
    const auto window = std::max<std::uint32_t>(limits.window, 4);
    const auto chunks = cut_chunks(text, counter, limits);
    fuzz::require(chunks.empty() == text.empty(), "only an empty text has no chunk");
    std::size_t covered = 0;
    for (const auto& c : chunks) {
        fuzz::require(c.length > 0 && c.offset + c.length <= text.size(), "a chunk is a part of the text");
        fuzz::require(c.offset <= covered, "no gap");
        fuzz::require(c.offset + c.length > covered, "each ends behind the one before");
        covered = c.offset + c.length;
        const auto part = text.substr(c.offset, c.length);
        fuzz::require(is_valid_utf8(part), "chunks end between characters");
        fuzz::require(c.tokens == counter.count(part), "a chunk's tokens are its own");
        fuzz::require(c.tokens <= window, "a chunk fits the window");
    }
    fuzz::require(covered == text.size(), "nothing is left out");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static token_counter counters[] = {token_counter(encoding::cl100k_base),
                                       token_counter(encoding::o200k_base)};
    auto rest = fuzz::text_of(data, size);
    const auto choice = fuzz::take_byte(rest);
    auto& counter = counters[choice & 1];
    const chunk_limits limits{choice >> 1, fuzz::take_byte(rest)};
    // A long text in small chunks takes long: nothing new comes of it here.
    const auto text = replace_invalid_utf8(rest.substr(0, 16 * 1024)).text;
    check_chunks(text, counter, limits);

    const auto most = 4 + fuzz::take_byte(rest);
    const auto cut = cut_to_tokens(text, counter, most);
    fuzz::require(text.starts_with(cut.text), "a cut text is the text's begin");
    fuzz::require(is_valid_utf8(cut.text), "it ends between characters");
    fuzz::require(cut.tokens == counter.count(cut.text) && cut.tokens <= most,
                  "it has at most so many tokens");
    if (counter.count(text) <= most) fuzz::require(cut.text == text, "a text that fits comes back whole");
    return 0;
}
