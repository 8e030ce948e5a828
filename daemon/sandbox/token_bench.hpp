// Tokens for the sandbox's bills, counted by the exact tokenizer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd::sandbox {

enum class token_table { cl100k_base, o200k_base };

/// Both counters. Not thread-safe: whoever works has its own.
class token_bench {
public:
    token_bench();
    ~token_bench();
    token_bench(const token_bench&) = delete;
    token_bench& operator=(const token_bench&) = delete;

    std::size_t count(token_table t, std::string_view text);

    /// The longest beginning of the text that has at most `most` tokens and ends on a whole word or, within
    /// the first word, on a whole character.
    std::string cut(token_table t, std::string_view text, std::size_t most);

    /// The text that token ids stand for; absent where one is no token of the table.
    std::optional<std::string> text_of(token_table t, const std::vector<std::uint32_t>& ids);

private:
    struct counters;
    std::unique_ptr<counters> counters_;
};

} // namespace enrichd::sandbox
