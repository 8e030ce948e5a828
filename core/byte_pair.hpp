// Byte pair encoding of one word.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/vocabulary.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace enrichd {

/// Encodes words, with storage of its own that is kept between calls; so one encoder serves one thread.
///
/// The result is what merging the adjacent pair of lowest number, leftmost first, gives until no two adjacent
/// tokens merge. Done literally, as it is for short words, this costs the square of a word's length. Longer
/// words are encoded from left to right instead, in a time that grows with their length alone: see
/// encode_long().
class byte_pair_encoder {
public:
    explicit byte_pair_encoder(const vocabulary&);

    /// The tokens of a word that is not empty; valid until the next call.
    const std::vector<token_id>& encode(std::string_view word);

private:
    void encode_short(std::string_view word);
    void encode_long(std::string_view word);
    bool stay_apart(token_id left, token_id right);

    const vocabulary* tokens_;
    std::vector<token_id> result_;
    std::vector<token_id> merges_; // encode_short: what each token and its right neighbour make
    std::vector<bool> dead_end_;   // encode_long: places that no encoding of the whole word has a border at
    std::vector<std::uint64_t> answers_; // of stay_apart: the pair above, the answer in the lowest bit
};

} // namespace enrichd
