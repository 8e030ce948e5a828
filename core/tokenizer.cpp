// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer.hpp"

namespace enrichd {

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
    std::size_t total = 0;
    while (!text.empty()) {
        const auto length = word_length(text);
        total += count_word(text, length);
        text.remove_prefix(length);
    }
    return total;
}

std::vector<token_id> token_counter::encode(std::string_view text) {
    std::vector<token_id> ids;
    while (!text.empty()) {
        const auto word = text.substr(0, word_length(text));
        const auto& part = encoder_.encode(word);
        ids.insert(ids.end(), part.begin(), part.end());
        text.remove_prefix(word.size());
    }
    return ids;
}

std::size_t token_counter::word_length(std::string_view text) const noexcept {
    return static_cast<std::size_t>(word_end(which_, text.data(), text.data() + text.size()) - text.data());
}

std::uint32_t token_counter::count_word(std::string_view text, std::size_t length) {
    const auto count = [this](std::string_view w) {
        return static_cast<std::uint32_t>(encoder_.encode(w).size());
    };
    const auto word = text.substr(0, length);
    const char* const readable_end = text.data() + text.size();
    if (length <= short_words_.longest) return short_words_.get(word, readable_end, count);
    if (length <= longer_words_.longest) return longer_words_.get(word, readable_end, count);
    return count(word);
}

} // namespace enrichd
