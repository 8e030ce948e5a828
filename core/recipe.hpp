// A recipe: everything that decides what a row's request says. Its fingerprint is the version of the value.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "core/kind.hpp"
#include "core/model.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace enrichd {

struct summary_settings {
    std::string model = "gpt-4o-mini";
    std::string prompt; ///< empty: default_summary_prompt()
    std::uint32_t max_input_tokens = 2000;
    std::uint32_t max_output_tokens = 180;
    std::uint32_t min_characters = 50;
};

struct embedding_settings {
    std::string model = "text-embedding-3-small";
    std::optional<std::uint32_t> dimensions; ///< configured; a vector(n) column's n counts before it
    std::uint32_t chunk_tokens = 1500;
    std::uint32_t overlap_percent = 10;
    std::uint32_t min_characters = 100;
    std::string encoding_format = "base64"; ///< or "float"; does not enter the fingerprint
};

/// Two sentences, English, and the word that the text between the fences is data, not instructions.
std::string_view default_summary_prompt();

struct recipe {
    enrichd::kind kind{};
    enrichd::model model;
    std::uint32_t min_characters = 0;

    // Summaries
    std::string prompt;
    std::uint32_t max_input_tokens = 0;
    std::uint32_t max_output_tokens = 0;

    // Embeddings
    std::uint32_t dimensions = 0; ///< of the stored vector
    std::uint32_t chunk_tokens = 0;
    std::uint32_t chunk_overlap = 0; ///< tokens
    std::string encoding_format;

    /// "<model>-<12 hex digits>": the beginning of a SHA-256 over lines that name kind, model and, for
    /// summaries, prompt, max_input_tokens, max_output_tokens, temperature, reasoning_effort and the revision
    /// of the frame; for embeddings, dimensions, chunk_tokens, chunk_overlap and the revisions of chunker and
    /// pooling.
    std::string version;
};

recipe make_summary_recipe(const summary_settings& s, const model& m);

/// `column_dimensions` is the n of a vector(n) column, absent where the column takes any. Errors:
/// invalid_input if the model cannot give that many.
result<recipe> make_embedding_recipe(const embedding_settings& s, const model& m,
                                     std::optional<std::uint32_t> column_dimensions);

} // namespace enrichd
