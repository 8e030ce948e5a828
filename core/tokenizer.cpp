// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer.hpp"

namespace enrichd {

namespace {

// The words of a text, one after the other.
template <class Visit>
void each_word(encoding which, std::string_view text, Visit visit) {
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at != end) {
        const char* past = word_end(which, at, end);
        visit(std::string_view{at, static_cast<std::size_t>(past - at)});
        at = past;
    }
}

} // namespace

std::string_view name(encoding which) noexcept {
    return which == encoding::cl100k_base ? "cl100k_base" : "o200k_base";
}

std::optional<encoding> parse_encoding(std::string_view text) noexcept {
    for (auto which : {encoding::cl100k_base, encoding::o200k_base})
        if (text == name(which)) return which;
    return std::nullopt;
}

token_counter::token_counter(encoding which)
    : which_(which), tokens_(&vocabulary::of(which)), encoder_(*tokens_) {}

std::size_t token_counter::count(std::string_view text) {
    const char* const end = text.data() + text.size();
    std::size_t total = 0;
    each_word(which_, text, [&](std::string_view word) { total += count_word(word, end); });
    return total;
}

std::vector<token_id> token_counter::encode(std::string_view text) {
    std::vector<token_id> ids;
    each_word(which_, text, [&](std::string_view word) {
        const auto& part = encoder_.encode(word);
        ids.insert(ids.end(), part.begin(), part.end());
    });
    return ids;
}

std::size_t token_counter::word_length(std::string_view text) const noexcept {
    return static_cast<std::size_t>(word_end(which_, text.data(), text.data() + text.size()) - text.data());
}

std::uint32_t token_counter::count_word(std::string_view word)
{
    return count_word(word, word.data() + word.size());
}

std::uint32_t token_counter::count_word(std::string_view word, const char* readable_end)
{
    const auto count = [this](std::string_view w) { return static_cast<std::uint32_t>(encoder_.encode(w).size()); };
    if (word.size() <= short_words_.longest) return short_words_.get(word, readable_end, count);
    if (word.size() <= longer_words_.longest) return longer_words_.get(word, readable_end, count);
    return count(word);
}

} // namespace enrichd
