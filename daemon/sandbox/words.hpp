// Words of any text, for the stand-ins that summarise and embed: folded to lower case, punctuation away.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd::sandbox {

/// Code points in lower case (Latin, Greek, Cyrillic), with one space for every run of what is no letter or
/// digit. Malformed UTF-8 counts as punctuation.
std::u32string fold(std::string_view utf8);

/// The words of a folded text: views into it. A run of a script that writes no spaces is one word.
std::vector<std::u32string_view> words_of(std::u32string_view folded);

/// English words that say nothing about a text's subject ("the", "of").
bool is_stop_word(std::u32string_view word);

/// A mixed 64-bit hash (FNV-1a, finished with the mixer of splitmix64), the same on every machine.
std::uint64_t hash_of(std::u32string_view text, std::uint64_t seed);
std::uint64_t hash_of(std::string_view text, std::uint64_t seed);

} // namespace enrichd::sandbox
