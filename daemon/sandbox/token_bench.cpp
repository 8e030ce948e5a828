// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/token_bench.hpp"

#include <algorithm>

#include "core/chunker.hpp"
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
    const auto limit = static_cast<std::uint32_t>(std::min<std::size_t>(most, UINT32_MAX));
    return std::string(cut_to_tokens(text, counters_->of(t), limit).text);
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
