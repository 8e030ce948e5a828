// One vector of many: the token-weighted mean of chunk vectors, of length one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace enrichd {

/// Sums in double, so that the order of many chunks does not show in the float result.
class vector_pool {
public:
    /// `tokens` is the weight. All vectors have the dimensions of the first.
    void add(std::span<const float> vector, std::uint32_t tokens);

    /// L2-normalised; empty if nothing was added or the mean has no direction (length zero or not finite).
    std::vector<float> mean() const;

    /// The mean with its own length kept: of one part of a text, to be added to its siblings' later with the
    /// part's tokens as weight. Empty where mean() is.
    std::vector<float> average() const;

private:
    std::vector<double> sum_;
    double tokens_ = 0;
};

} // namespace enrichd
