// Tables that fit the terminal: columns are dropped, never wrapped.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/ctl/terminal.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace enrichd::ctl {

struct column {
    std::string title;
    int priority = 0;          ///< the highest one is dropped first; 0 stays always
    bool right = false;        ///< numbers
    std::size_t shrink_to = 0; ///< may be cut to this width; 0: never
};

struct cell {
    std::string text; ///< escaped when it is shown
    color tint = color::none;
};

class table {
public:
    explicit table(std::vector<column> columns) : columns_(std::move(columns)) {}

    void add(std::vector<cell> row) { rows_.push_back(std::move(row)); }
    bool empty() const { return rows_.empty(); }

    /// With a heading and a newline after each line; no line is wider than the terminal, if that has a width:
    /// first what may shrink shrinks, then columns go, and what still is too wide is cut.
    std::string render(const terminal& term) const;

private:
    std::vector<std::size_t> fit(const std::vector<std::size_t>& natural, std::vector<bool>& kept,
                                 std::size_t width) const;

    std::vector<column> columns_;
    std::vector<std::vector<cell>> rows_;
};

} // namespace enrichd::ctl
