// SPDX-License-Identifier: Apache-2.0
#include "core/vocabulary.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

extern "C" const unsigned char enrichd_cl100k_base_begin[], enrichd_cl100k_base_end[];
extern "C" const unsigned char enrichd_o200k_base_begin[], enrichd_o200k_base_end[];

namespace enrichd {

namespace {

// A hash that grows byte by byte, so that all prefixes of a text are hashed in one pass.
constexpr std::uint64_t hash_start = 0x9E3779B97F4A7C15U;

constexpr std::uint64_t hash_more(std::uint64_t hash, char byte) {
    return (hash ^ static_cast<unsigned char>(byte)) * 0xD6E8FEB86659FD93U;
}

constexpr std::uint64_t hash_more(std::uint64_t hash, std::string_view bytes) {
    for (char byte : bytes)
        hash = hash_more(hash, byte);
    return hash;
}

constexpr std::uint64_t hash_end(std::uint64_t hash) {
    return (hash ^ hash >> 32) * 0x9E3779B97F4A7C15U;
}

constexpr unsigned id_bits = 18;
constexpr std::uint32_t id_mask = (1U << id_bits) - 1;
constexpr std::uint32_t tag_mask = ~id_mask;

constexpr unsigned pair_bits = 20;
constexpr std::uint64_t pair_mask = (1U << pair_bits) - 1;

constexpr std::uint64_t pair_key(token_id left, token_id right) {
    return std::uint64_t{left} << pair_bits | right;
}

constexpr std::uint64_t pair_hash(std::uint64_t key) {
    return hash_end(key * 0xD6E8FEB86659FD93U);
}

std::size_t two_bytes(std::string_view bytes) {
    return static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) << 8 |
           static_cast<unsigned char>(bytes[1]);
}

constexpr std::size_t entry_size = 6;

} // namespace

const vocabulary& vocabulary::of(encoding which) {
    if (which == encoding::cl100k_base) {
        static const vocabulary cl100k_base{{enrichd_cl100k_base_begin, enrichd_cl100k_base_end}};
        return cl100k_base;
    }
    static const vocabulary o200k_base{{enrichd_o200k_base_begin, enrichd_o200k_base_end}};
    return o200k_base;
}

vocabulary::vocabulary(std::span<const unsigned char> merges) : merges_(merges) {
    const auto count = 256 + (merges.size() - 256) / entry_size;
    assert(count < id_mask);
    // At most 40 % full, so that a chain of probes is short even where nothing is found.
    const auto slots = std::bit_ceil(count * 5 / 2);
    shift_ = 64U - static_cast<unsigned>(std::countr_zero(slots));
    by_bytes_.resize(slots);
    by_pair_.resize(slots);
    longest_.resize(0x10000, 1);
    text_.reserve(merges.size() * 2);
    offsets_.reserve(count + 1);
    offsets_.push_back(0);
    std::vector<std::uint64_t> hashes(count); // unfinished: a token's hash goes on from its left half's

    for (token_id id = 0; id < count; ++id) {
        if (is_byte(id)) {
            byte_ids_[merges[id]] = id;
            text_.push_back(static_cast<char>(merges[id]));
            hashes[id] = hash_more(hash_start, text_.back());
        } else {
            const auto tail = bytes(right(id));
            text_.resize(text_.size() + length(left(id)) + tail.size());
            auto* to = std::copy_n(bytes(left(id)).data(), length(left(id)), text_.data() + offsets_[id]);
            std::copy_n(bytes(right(id)).data(), tail.size(), to);
            hashes[id] = hash_more(hashes[left(id)], tail);
            add_pair(id);
        }
        offsets_.push_back(static_cast<std::uint32_t>(text_.size()));
        add_bytes(id, hash_end(hashes[id]));
    }
}

void vocabulary::add_pair(token_id id) {
    const auto key = pair_key(left(id), right(id));
    auto slot = pair_hash(key) >> shift_;
    while (by_pair_[slot] != 0)
        slot = (slot + 1) & (by_pair_.size() - 1);
    by_pair_[slot] = key << pair_bits | id;
}

void vocabulary::add_bytes(token_id id, std::uint64_t hash) {
    auto slot = hash >> shift_;
    while (by_bytes_[slot] != 0)
        slot = (slot + 1) & (by_bytes_.size() - 1);
    by_bytes_[slot] = (static_cast<std::uint32_t>(hash) & tag_mask) | (id + 1);

    const auto token = bytes(id);
    if (token.size() < 2) return;
    auto& most = longest_[two_bytes(token)];
    most = std::max(most, static_cast<std::uint8_t>(token.size()));
}

token_id vocabulary::probe(std::uint64_t hash, std::string_view wanted) const noexcept {
    const auto tag = static_cast<std::uint32_t>(hash) & tag_mask;
    for (auto slot = hash >> shift_;; slot = (slot + 1) & (by_bytes_.size() - 1)) {
        const auto entry = by_bytes_[slot];
        if (entry == 0) return no_token;
        if ((entry & tag_mask) != tag) continue;
        const token_id id = (entry & id_mask) - 1;
        if (bytes(id) == wanted) return id;
    }
}

token_id vocabulary::find(std::string_view wanted) const noexcept {
    if (wanted.empty() || wanted.size() > longest) return no_token;
    return probe(hash_end(hash_more(hash_start, wanted)), wanted);
}

token_id vocabulary::longest_prefix(std::string_view text, std::size_t below) const noexcept {
    auto most = std::min(text.size(), below - 1);
    if (most >= 2) most = std::min<std::size_t>(most, longest_[two_bytes(text)]);
    if (most == 0) return no_token;

    std::array<std::uint64_t, longest> hashes;
    auto hash = hash_start;
    for (std::size_t i = 0; i < most; ++i)
        hashes[i] = hash = hash_more(hash, text[i]);
    for (auto length = most; length > 1; --length) {
        const auto id = probe(hash_end(hashes[length - 1]), text.substr(0, length));
        if (id != no_token) return id;
    }
    return of_byte(text[0]);
}

token_id vocabulary::merged(token_id left, token_id right) const noexcept {
    const auto key = pair_key(left, right);
    for (auto slot = pair_hash(key) >> shift_;; slot = (slot + 1) & (by_pair_.size() - 1)) {
        const auto entry = by_pair_[slot];
        if (entry == 0) return no_token;
        if (entry >> pair_bits == key) return static_cast<token_id>(entry & pair_mask);
    }
}

token_id vocabulary::read_id(token_id id, std::size_t half) const noexcept {
    const auto* entry = merges_.data() + 256 + (id - 256) * entry_size + half;
    return entry[0] | static_cast<token_id>(entry[1]) << 8 | static_cast<token_id>(entry[2]) << 16;
}

} // namespace enrichd
