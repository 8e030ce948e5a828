// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/lexical_vector.hpp"

#include "core/base64.hpp"
#include "daemon/sandbox/words.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>
#include <unordered_map>

namespace enrichd::sandbox {

namespace {

constexpr std::uint64_t word_space = 1;
constexpr std::uint64_t gram_space = 2;
constexpr double gram_weight = 0.3;
constexpr std::size_t long_word = 24; ///< beyond it, it is no word at all: only its n-grams count

// Thai, the scripts of India, Chinese, Japanese, Korean: few or no spaces, and much said by one character.
bool writes_no_spaces(std::u32string_view word) {
    return std::any_of(word.begin(), word.end(), [](char32_t c) { return c >= 0x0900; });
}

void add(std::vector<double>& sum, std::uint64_t hash, double weight) {
    sum[hash % sum.size()] += hash >> 63 ? weight : -weight;
}

void add_word(std::vector<double>& sum, std::u32string_view word, double weight) {
    if (word.size() <= long_word) add(sum, hash_of(word, word_space), weight);
    const auto framed = U"<" + std::u32string(word) + U">";
    const std::size_t shortest = writes_no_spaces(word) ? 1 : 3;
    for (std::size_t n = shortest; n < shortest + 3; ++n)
        for (std::size_t at = 0; at + n <= framed.size(); ++at)
            add(sum, hash_of(std::u32string_view(framed).substr(at, n), gram_space), weight * gram_weight);
}

double length(const std::vector<double>& v) {
    double squares = 0;
    for (double x : v)
        squares += x * x;
    return std::sqrt(squares);
}

} // namespace

std::vector<float> lexical_vector(std::string_view text, std::size_t dimensions) {
    std::vector<double> sum(dimensions);
    const auto folded = fold(text);
    std::unordered_map<std::u32string_view, std::size_t> counts;
    std::vector<std::u32string_view> order; // of first sight, so that the sum rounds the same everywhere
    for (const auto word : words_of(folded))
        if (!is_stop_word(word) && counts[word]++ == 0) order.push_back(word);
    for (const auto word : order)
        add_word(sum, word, 1 + std::log(static_cast<double>(counts[word])));

    // Nothing but stop words or punctuation, or features that cancel out: any direction, always the same.
    if (length(sum) == 0) add(sum, hash_of(text, word_space), 1);
    const double norm = length(sum);
    std::vector<float> out(dimensions);
    for (std::size_t i = 0; i < dimensions; ++i)
        out[i] = static_cast<float>(sum[i] / norm);
    return out;
}

std::string base64_floats(const std::vector<float>& vector) {
    static_assert(std::endian::native == std::endian::little, "float32 is sent as it lies in memory");
    return encode_base64(std::as_bytes(std::span(vector)));
}

} // namespace enrichd::sandbox
