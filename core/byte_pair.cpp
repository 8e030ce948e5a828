// SPDX-License-Identifier: Apache-2.0
#include "core/byte_pair.hpp"

#include <algorithm>
#include <cassert>

namespace enrichd {

namespace {

constexpr std::size_t longest_short = 20; // bytes; where the two ways cost the same

constexpr unsigned answer_bits = 14;

// Whether two tokens side by side are the encoding of their bytes: whether no merge ever crosses their
// border. Their own merges are undone, youngest first, as they were done in the order of their numbers; at
// each moment the two parts that touched at the border must not have had a merge that came before the one
// just undone. Of two equal merges the left one came first.
bool merge_never_crosses(const vocabulary& tokens, token_id left, token_id right) {
    token_id undone = no_token; // merges across the border with a number from here on came too late
    while (true) {
        if (tokens.merged(left, right) < undone) return false;
        if (left > right && !vocabulary::is_byte(left)) {
            undone = left;
            left = tokens.right(left);
        } else if (!vocabulary::is_byte(right)) {
            undone = right + 1;
            right = tokens.left(right);
        } else {
            return true;
        }
    }
}

} // namespace

byte_pair_encoder::byte_pair_encoder(const vocabulary& tokens)
    : tokens_(&tokens), answers_(std::size_t{1} << answer_bits, ~std::uint64_t{0}) {}

const std::vector<token_id>& byte_pair_encoder::encode(std::string_view word) {
    result_.clear();
    if (const auto whole = tokens_->find(word); whole != no_token)
        result_.push_back(whole);
    else if (word.size() <= longest_short)
        encode_short(word);
    else
        encode_long(word);
    return result_;
}

void byte_pair_encoder::encode_short(std::string_view word) {
    for (char byte : word)
        result_.push_back(tokens_->of_byte(byte));
    merges_.clear();
    for (std::size_t i = 0; i + 1 < result_.size(); ++i)
        merges_.push_back(tokens_->merged(result_[i], result_[i + 1]));

    while (!merges_.empty()) {
        const auto best = std::min_element(merges_.begin(), merges_.end()) - merges_.begin();
        const auto at = static_cast<std::size_t>(best);
        if (merges_[at] == no_token) return;
        result_[at] = merges_[at];
        result_.erase(result_.begin() + best + 1);
        merges_.erase(merges_.begin() + best);
        if (at < merges_.size()) merges_[at] = tokens_->merged(result_[at], result_[at + 1]);
        if (at > 0) merges_[at - 1] = tokens_->merged(result_[at - 1], result_[at]);
    }
}

// A sequence of tokens is the encoding of its bytes if and only if each two neighbours, taken alone, are the
// encoding of theirs; and every prefix of an encoding is one itself. So there is exactly one way to reach
// each border, and a search from left to right, longest token first, needs to look at each position and
// length but once: a position that proved to lead nowhere is remembered. (The idea is that of the "bpe" crate
// of github/rust-gems.)
void byte_pair_encoder::encode_long(std::string_view word) {
    dead_end_.assign(word.size() + 1, false);
    std::size_t at = 0;
    std::size_t below = vocabulary::longest + 1;
    while (at < word.size()) {
        const token_prefixes candidates(*tokens_, word.substr(at));
        auto next = candidates.longest(below);
        while (next != no_token) {
            const auto length = tokens_->length(next);
            if (!dead_end_[at + length] && (result_.empty() || stay_apart(result_.back(), next))) break;
            next = candidates.longest(length);
        }
        if (next != no_token) {
            at += tokens_->length(next);
            result_.push_back(next);
            below = vocabulary::longest + 1;
        } else { // never at the very begin: the first token of the encoding is among its candidates
            assert(!result_.empty());
            dead_end_[at] = true;
            below = tokens_->length(result_.back());
            at -= below;
            result_.pop_back();
        }
    }
}

// The answer is kept, for the same few pairs are asked about again and again, in a run of one character above
// all.
bool byte_pair_encoder::stay_apart(token_id left, token_id right) {
    const auto pair = std::uint64_t{left} << 32 | std::uint64_t{right} << 1;
    auto& answer = answers_[pair * 0x9E3779B97F4A7C15U >> (64 - answer_bits)];
    if ((answer ^ pair) > 1) answer = pair | (merge_never_crosses(*tokens_, left, right) ? 1 : 0);
    return (answer & 1) != 0;
}

} // namespace enrichd
