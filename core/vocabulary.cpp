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

constexpr std::uint64_t halves_hash(token_id left, token_id right) {
    return hash_end((std::uint64_t{left} << 32 | right) * 0xD6E8FEB86659FD93U);
}

constexpr unsigned length_slots = 16; // in bits

std::size_t first_four(std::string_view bytes) {
    std::uint32_t four;
    std::memcpy(&four, bytes.data(), sizeof four);
    return four * 0x9E3779B1U >> (32 - length_slots);
}

constexpr std::uint32_t length_bit(std::size_t length) {
    return 1U << std::min<std::size_t>(length, 31);
}

constexpr std::size_t entry_size = 6;
constexpr std::size_t short_copy = 16;

// Copies a token's bytes to where the next token goes; a short one faster, with some bytes that follow it.
void copy(std::string_view bytes, char* to) {
    if (bytes.size() <= short_copy)
        std::memmove(to, bytes.data(), short_copy);
    else
        std::memmove(to, bytes.data(), bytes.size());
}

} // namespace

const vocabulary& vocabulary::of(encoding which) {
    if (which == encoding::cl100k_base) {
        static const vocabulary cl100k_base{{enrichd_cl100k_base_begin, enrichd_cl100k_base_end}};
        return cl100k_base;
    }
    static const vocabulary o200k_base{{enrichd_o200k_base_begin, enrichd_o200k_base_end}};
    return o200k_base;
}

vocabulary::vocabulary(std::span<const unsigned char> merges)
    : merges_(merges),
      count_(256 + (merges.size() - 256) / entry_size),
      by_bytes_(count_),
      by_halves_(count_),
      lengths_(std::size_t{1} << length_slots) {
    text_.resize(merges.size() * 2); // more than enough for either encoding, which spell() sees to
    offsets_.reserve(count_ + 1);
    offsets_.push_back(0);
    std::vector<std::uint64_t> hashes(count_); // of the bytes, as they are before hash_end()

    constexpr token_id ahead = 24; // tokens spelt before they are entered, while memory comes
    for (token_id id = 0; id < count_ + ahead; ++id) {
        if (id < count_) {
            hashes[id] = spell(id, hashes);
            by_bytes_.prefetch(hash_end(hashes[id]));
            if (!is_byte(id)) by_halves_.prefetch(halves_hash(left(id), right(id)));
        }
        if (id >= ahead) enter(id - ahead, hash_end(hashes[id - ahead]));
    }
}

// Appends the token's bytes; their hash goes on from the left half's.
std::uint64_t vocabulary::spell(token_id id, const std::vector<std::uint64_t>& hashes) {
    auto* own = text_.data() + offsets_[id];
    auto hash = hash_start;
    std::size_t size = 1;
    if (is_byte(id)) {
        byte_ids_[merges_[id]] = id;
        *own = static_cast<char>(merges_[id]);
        hash = hash_more(hash, *own);
    } else {
        const auto first = bytes(left(id));
        const auto second = bytes(right(id));
        size = first.size() + second.size();
        assert(size <= longest && offsets_[id] + size + short_copy <= text_.size());
        copy(first, own);
        copy(second, own + first.size());
        hash = hash_more(hashes[left(id)], second);
    }
    offsets_.push_back(offsets_[id] + static_cast<std::uint32_t>(size));
    return hash;
}

void vocabulary::enter(token_id id, std::uint64_t hash) {
    by_bytes_.enter(id, hash);
    if (!is_byte(id)) by_halves_.enter(id, halves_hash(left(id), right(id)));
    if (length(id) >= 4) lengths_[first_four(bytes(id))] |= length_bit(length(id));
}

token_id vocabulary::find_hashed(std::uint64_t hash, std::string_view wanted) const noexcept {
    return by_bytes_.find(hash, [&](token_id id) { return bytes(id) == wanted; });
}

token_id vocabulary::find(std::string_view wanted) const noexcept {
    if (wanted.empty() || wanted.size() > longest) return no_token;
    if (wanted.size() >= 4 && !(lengths_[first_four(wanted)] & length_bit(wanted.size()))) return no_token;
    return find_hashed(hash_end(hash_more(hash_start, wanted)), wanted);
}

token_id vocabulary::merged(token_id left_half, token_id right_half) const noexcept {
    return by_halves_.find(halves_hash(left_half, right_half),
                           [&](token_id id) { return left(id) == left_half && right(id) == right_half; });
}

token_id vocabulary::read_id(token_id id, std::size_t half) const noexcept {
    const auto* entry = merges_.data() + 256 + (id - 256) * entry_size + half;
    return entry[0] | static_cast<token_id>(entry[1]) << 8 | static_cast<token_id>(entry[2]) << 16;
}

token_prefixes::token_prefixes(const vocabulary& tokens, std::string_view text) noexcept
    : tokens_(&tokens), text_(text.substr(0, vocabulary::longest)), lengths_(length_bit(2) | length_bit(3)) {
    if (text.size() >= 4) lengths_ |= tokens.lengths_[first_four(text)];
    if (!(lengths_ >> 31)) text_ = text_.substr(0, std::bit_width(lengths_) - 1U);
    hashes_[0] = hash_start;
    for (std::size_t i = 0; i < text_.size(); ++i)
        hashes_[i + 1] = hash_more(hashes_[i], text_[i]);
}

token_id token_prefixes::longest(std::size_t below) const noexcept {
    for (auto length = std::min(text_.size(), below - 1); length > 1; --length) {
        if (!(lengths_ & length_bit(length))) continue;
        const auto id = tokens_->find_hashed(hash_end(hashes_[length]), text_.substr(0, length));
        if (id != no_token) return id;
    }
    return below > 1 ? tokens_->of_byte(text_[0]) : no_token;
}

} // namespace enrichd
