// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer.hpp"

#include <array>
#include <bit>
#include <cassert>
#include <cstring>

namespace enrichd {

static_assert(std::endian::native == std::endian::little,
              "the word cache reads words as little-endian numbers");

namespace {

constexpr std::size_t cache_size = std::size_t{1} << 17;
constexpr std::size_t longest_cached = 15; // bytes

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
    : which_(which), tokens_(&vocabulary::of(which)), encoder_(*tokens_), cache_(cache_size) {}

std::size_t token_counter::count(std::string_view text) {
    std::size_t total = 0;
    each_word(which_, text, [&](std::string_view word) { total += count_word(word); });
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

std::uint32_t token_counter::count_word(std::string_view word) {
    if (word.size() > longest_cached) return count_uncached(word);
    cached_word key{};
    std::memcpy(&key, word.data(), word.size());
    key.second |= std::uint64_t{word.size()} << 60;

    const auto hash = (key.first ^ std::rotl(key.second, 29) * 0x9E3779B97F4A7C15U) * 0xD6E8FEB86659FD93U;
    auto& entry = cache_[hash >> 47];
    static_assert(cache_size == std::size_t{1} << (64 - 47));
    constexpr std::uint64_t count_bits = std::uint64_t{15} << 56;
    if (entry.first == key.first && (entry.second & ~count_bits) == key.second)
        return static_cast<std::uint32_t>(entry.second >> 56) & 15U;

    const auto count = count_uncached(word); // at most one a byte, so it fits
    entry = {key.first, key.second | std::uint64_t{count} << 56};
    return count;
}

std::uint32_t token_counter::count_uncached(std::string_view word) {
    return static_cast<std::uint32_t>(encoder_.encode(word).size());
}

} // namespace enrichd
