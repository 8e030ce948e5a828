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

private:
    std::vector<double> sum_;
};

} // namespace enrichd
