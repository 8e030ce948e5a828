// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/token_bench.hpp"

#include "core/tokenizer.hpp"

namespace enrichd::sandbox {

struct token_bench::counters {
    token_counter cl100k{encoding::cl100k_base};
    token_counter o200k{encoding::o200k_base};

    token_counter& of(token_table t) { return t == token_table::cl100k_base ? cl100k : o200k; }
};

token_bench::token_bench() : counters_(std::make_unique<counters>()) {}
token_bench::~token_bench() = default;

std::size_t token_bench::count(token_table t, std::string_view text) {
    return counters_->of(t).count(text);
}

std::string token_bench::cut(token_table t, std::string_view text, std::size_t most) {
    auto& counter = counters_->of(t);
    std::size_t end = 0;
    std::size_t used = 0;
    while (end < text.size()) {
        const auto word = text.substr(end, counter.word_length(text.substr(end)));
        const std::size_t tokens = counter.count_word(word);
        if (used + tokens > most) break;
        used += tokens;
        end += word.size();
    }
    if (end > 0 || most == 0) return std::string(text.substr(0, end));
    // The first word alone is too long: character by character.
    for (std::size_t next = 1; next <= text.size(); ++next) {
        const bool whole = next == text.size() || (static_cast<unsigned char>(text[next]) & 0xC0) != 0x80;
        if (!whole) continue;
        if (counter.count(text.substr(0, next)) > most) break;
        end = next;
    }
    return std::string(text.substr(0, end));
}

std::optional<std::string> token_bench::text_of(token_table t, const std::vector<std::uint32_t>& ids) {
    auto& counter = counters_->of(t);
    const auto known = vocabulary::of(counter.which()).size();
    std::string text;
    for (const auto id : ids) {
        if (id >= known) return std::nullopt;
        text += counter.bytes(id);
    }
    return text;
}

} // namespace enrichd::sandbox
