// Remembers how many tokens a short word has.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace enrichd {

/// A word and its count in one entry of Size bytes, in a table of 2^Bits entries in which a word has one
/// place, and the later of two takes it. An entry holds the word's bytes, zeros, its length and its count; so
/// it is compared with a word by a few comparisons of whole numbers, and what is found is the word itself,
/// never a hash's twin.
template <std::size_t Size, unsigned Bits>
class word_cache {
    static_assert(std::endian::native == std::endian::little, "the last two bytes are addressed by shifts");
    static constexpr std::size_t parts = Size / 8;

public:
    static constexpr std::size_t longest = Size - 2; ///< bytes of a word that can be kept

    /// The word's count, asked of count(word) if it is not known yet. The word is not empty, and has at most
    /// `longest` bytes; `end` is how far memory may be read.
    template <class Count>
    std::uint32_t get(std::string_view word, const char* end, Count count) {
        const auto key = key_of(word, end);
        auto& entry = entries_[slot_of(key)];
        if (matches(entry, key)) return static_cast<std::uint32_t>(entry[parts - 1] >> 56);
        const std::uint32_t counted = count(word);
        entry = key;
        entry[parts - 1] |= std::uint64_t{counted} << 56;
        return counted;
    }

private:
    using record = std::array<std::uint64_t, parts>;

    static record key_of(std::string_view word, const char* end) noexcept {
        record key{};
        if (static_cast<std::size_t>(end - word.data()) >= Size) {
            // Reading a fixed size and masking is several times as fast as copying a variable one.
            std::memcpy(&key, word.data(), Size);
            for (std::size_t i = 0; i < parts; ++i) {
                const auto kept = word.size() > i * 8 ? word.size() - i * 8 : 0;
                if (kept < 8) key[i] &= (std::uint64_t{1} << kept * 8) - 1;
            }
        } else {
            std::memcpy(&key, word.data(), word.size());
        }
        key[parts - 1] |= std::uint64_t{word.size()} << 48;
        return key;
    }

    static std::size_t slot_of(const record& key) noexcept {
        std::uint64_t hash = 0;
        for (auto part : key)
            hash = (std::rotl(hash, 29) ^ part) * 0x9E3779B97F4A7C15U;
        return (hash ^ hash >> 29) * 0xD6E8FEB86659FD93U >> (64 - Bits);
    }

    static bool matches(const record& entry, const record& key) noexcept {
        std::uint64_t difference = (entry[parts - 1] ^ key[parts - 1]) << 8; // all but the count
        for (std::size_t i = 0; i + 1 < parts; ++i)
            difference |= entry[i] ^ key[i];
        return difference == 0;
    }

    std::vector<record> entries_ = std::vector<record>(std::size_t{1} << Bits);
};

} // namespace enrichd
