// SPDX-License-Identifier: Apache-2.0
#include "core/pooling.hpp"

#include <cassert>
#include <cmath>
#include <cstddef>

namespace enrichd {

void vector_pool::add(std::span<const float> vector, std::uint32_t tokens) {
    if (sum_.empty()) sum_.resize(vector.size());
    assert(vector.size() == sum_.size());
    for (std::size_t i = 0; i < sum_.size(); ++i)
        sum_[i] += static_cast<double>(vector[i]) * tokens;
    tokens_ += tokens;
}

std::vector<float> vector_pool::mean() const {
    // The division by the sum of tokens would only change the length, and the length becomes one. The square
    // of the largest product of a float and a weight is far from overflowing a double.
    double squares = 0;
    for (const double x : sum_)
        squares += x * x;
    const double length = std::sqrt(squares);
    if (!std::isfinite(length) || length == 0) return {};

    std::vector<float> unit(sum_.size());
    for (std::size_t i = 0; i < unit.size(); ++i)
        unit[i] = static_cast<float>(sum_[i] / length);
    return unit;
}

std::vector<float> vector_pool::average() const {
    if (mean().empty()) return {};
    std::vector<float> part(sum_.size());
    for (std::size_t i = 0; i < part.size(); ++i)
        part[i] = static_cast<float>(sum_[i] / tokens_);
    return part;
}

} // namespace enrichd
