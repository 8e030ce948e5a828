// Models: their request fields, tokenizer, limits and prices, from one dated data file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "core/kind.hpp"
#include "core/money.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd {

/// Prices are published per million tokens with at most six decimals, so that the price of one token is a
/// whole number of picodollars.
struct token_price {
    money input;        ///< of one input token
    money cached_input; ///< of one input token that the provider had cached; as input where not published
    money output;       ///< of one output token; zero for embeddings
};

struct model {
    std::string name;
    enrichd::kind kind{};
    std::string tokenizer;       ///< "cl100k_base" or "o200k_base"
    bool tokenizer_exact = true; ///< false: published for no one, counted with the nearest; see headroom
    int headroom_percent = 0;    ///< added to token counts in projections where the tokenizer is a guess

    // Summaries
    std::string token_cap_field; ///< "max_tokens" or "max_completion_tokens"
    bool accepts_temperature = true;
    std::optional<std::string>
        reasoning_effort; ///< sent as it is, to switch reasoning off, where the family reasons

    // Embeddings
    std::uint32_t dimensions = 0;    ///< the model's own
    bool accepts_dimensions = false; ///< shorter vectors may be asked for

    std::uint64_t context_tokens =
        0; ///< of one chat request, or of one embedding input; prices hold up to here
    token_price batch;
    std::optional<token_price> standard;        ///< of a live call, to show what was saved
    std::string prices_as_of;                   ///< ISO date
    std::string prices_source;                  ///< where they were read
    std::vector<std::uint64_t> enqueued_tokens; ///< that an account may have in batches, by usage tier from 1
    std::string enqueued_source;                ///< where they were read; empty: not known
    std::optional<std::string> shutdown;        ///< ISO date
    std::optional<std::string> successor;
};

/// The known models. An unknown one is refused, never guessed.
class model_catalogue {
public:
    /// The table that the program carries (core/data/models.toml).
    static model_catalogue built_in();

    /// Reads a file of the same form over this one: a key given there replaces that of a known model (prices
    /// as a whole); a new model needs all keys that its kind requires. All or nothing. Errors: invalid_input,
    /// every fault on a line of its own as "file:line: key: expected ..., got ...".
    result<void> overlay(std::string_view toml, std::string_view file_name);

    /// Errors: invalid_input, naming the known models of the kind and the file to edit.
    result<model> find(std::string_view name, kind k) const;

    const std::map<std::string, model, std::less<>>& all() const { return models_; }

private:
    std::map<std::string, model, std::less<>> models_;
    std::string overlay_file_; ///< empty: none was read
};

} // namespace enrichd
