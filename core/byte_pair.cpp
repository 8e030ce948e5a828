// SPDX-License-Identifier: Apache-2.0
#include "core/byte_pair.hpp"

#include <algorithm>

namespace enrichd {

namespace {

constexpr std::size_t longest_short = 48; // bytes; where the two ways cost the same

} // namespace

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
        const auto rest = word.substr(at);
        auto next = tokens_->longest_prefix(rest, below);
        while (next != no_token) {
            const auto length = tokens_->length(next);
            if (!dead_end_[at + length] && (result_.empty() || stay_apart(result_.back(), next))) break;
            next = tokens_->longest_prefix(rest, length);
        }
        if (next != no_token) {
            at += tokens_->length(next);
            result_.push_back(next);
            below = vocabulary::longest + 1;
        } else {
            dead_end_[at] = true;
            below = tokens_->length(result_.back());
            at -= below;
            result_.pop_back();
        }
    }
}

// Whether two tokens side by side are the encoding of their bytes: whether no merge ever crosses their
// border. Their own merges are undone, youngest first, as they were done in the order of their numbers; at
// each moment the two parts that touched at the border must not have had a merge that came before the one
// just undone. Of two equal merges the left one came first.
bool byte_pair_encoder::stay_apart(token_id left, token_id right) const noexcept {
    token_id undone = no_token; // merges across the border with a number from here on came too late
    while (true) {
        if (tokens_->merged(left, right) < undone) return false;
        if (left > right && !vocabulary::is_byte(left)) {
            undone = left;
            left = tokens_->right(left);
        } else if (!vocabulary::is_byte(right)) {
            undone = right + 1;
            right = tokens_->left(right);
        } else {
            return true;
        }
    }
}

} // namespace enrichd
