// Where the words (pretokens) of a text end: the two published patterns, written out by hand.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace enrichd {

/// The byte pair encodings of OpenAI that we know.
enum class encoding : std::uint8_t { cl100k_base, o200k_base };

/// The end of the word that begins at `at`, which is before `end`: what the reference encoders match with one
/// of
///
///   cl100k_base                       o200k_base
///   (?i:'s|'t|'re|'ve|'m|'ll|'d)      [^\r\n\p{L}\p{N}]?U*L+(?i:'s|'t|'re|'ve|'m|'ll|'d)?
///   [^\r\n\p{L}\p{N}]?\p{L}+          [^\r\n\p{L}\p{N}]?U+L*(?i:'s|'t|'re|'ve|'m|'ll|'d)?
///   \p{N}{1,3}                        \p{N}{1,3}
///   [ ]?[^\s\p{L}\p{N}]+[\r\n]*       [ ]?[^\s\p{L}\p{N}]+[\r\n/]*
///   \s*[\r\n]+                        \s*[\r\n]+
///   \s+(?!\S)                         \s+(?!\S)
///   \s+                               \s+
///
/// in this order, where U is [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}] and L is [\p{Ll}\p{Lm}\p{Lo}\p{M}]. A word never
/// depends on what stands before it. A text cut at a word's end has the same words up to there, but for one
/// case: see ends_in_space(). Words have no greatest length.
const char* word_end(encoding, const char* at, const char* end) noexcept;

/// Whether the last character is white space but no line break. Two words in a row that end so are one run of
/// blanks, of which the last is apart because something follows; in a text cut behind it the run is one word.
bool ends_in_space(std::string_view word) noexcept;

} // namespace enrichd
