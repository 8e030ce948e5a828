// SPDX-License-Identifier: Apache-2.0
#include "core/cost_curve.hpp"

#include <algorithm>
#include <numeric>

namespace enrichd {

namespace {

constexpr std::size_t most_points = 4096;

} // namespace

void cost_curve::add(money bound) {
    ++rows_;
    total_ += bound;
    if (rows_ % stride_ == 0) points_.push_back(total_);
    if (points_.size() < most_points) return;
    // Every second point goes: of points 1, 2, 3, 4 the rows of 2 and 4 stay.
    for (std::size_t i = 1; i < points_.size(); i += 2)
        points_[i / 2] = points_[i];
    points_.resize(points_.size() / 2);
    stride_ *= 2;
}

money cost_curve::of(std::int64_t rows) const {
    if (rows <= 0) return {};
    if (rows >= rows_) return total_;
    const auto point = static_cast<std::size_t>((rows - 1) / stride_);
    return point < points_.size() ? points_[point] : total_;
}

std::int64_t rows_that_fit(const std::vector<cost_curve>& kinds, money limit) {
    const auto cost = [&](std::int64_t rows) {
        return std::accumulate(kinds.begin(), kinds.end(), money{},
                               [rows](money sum, const cost_curve& c) { return sum + c.of(rows); });
    };
    std::int64_t fits = 0; // of so many rows it is known; of `most` + 1 there is no such number
    std::int64_t most = 0;
    for (const auto& c : kinds)
        most = std::max(most, c.rows());
    while (fits < most) {
        const auto middle = fits + (most - fits + 1) / 2;
        if (cost(middle) <= limit)
            fits = middle;
        else
            most = middle - 1;
    }
    return fits;
}

} // namespace enrichd
