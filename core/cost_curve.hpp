// How the bound of a run grows with its rows: what a lower --limit would cost.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/money.hpp"

#include <cstdint>
#include <vector>

namespace enrichd {

/// Cumulated bounds of the selected rows of one kind, in order. Kept at every row up to some thousands, then
/// at every second, fourth, ... row, so that memory stays bounded; between two points the later one counts,
/// which is never too low.
class cost_curve {
public:
    /// The next row adds this much.
    void add(money bound);

    /// The bound of the first `rows` rows, rounded up to the next point that was kept.
    money of(std::int64_t rows) const;
    std::int64_t rows() const { return rows_; }

private:
    std::vector<money> points_; ///< bound of the first (i + 1) * stride_ rows
    std::int64_t stride_ = 1;
    std::int64_t rows_ = 0;
    money total_;
};

/// The largest number of rows per kind of which all kinds together stay within the limit.
std::int64_t rows_that_fit(const std::vector<cost_curve>& kinds, money limit);

} // namespace enrichd
