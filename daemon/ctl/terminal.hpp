// What the terminal can show.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace enrichd::ctl {

enum class color { none, bold, dim, green, yellow, red };

struct terminal {
    std::size_t width = 0;  ///< columns to keep to where standard output is not asked; 0: no limit
    bool measured = false;  ///< the terminals are asked for their widths, which people change
    bool color_out = false; ///< standard output takes colours
    bool live = false;      ///< standard error is a terminal: a line may be drawn again
    bool can_ask = false;   ///< standard input and error are terminals

    /// Columns of standard output now; 0: no limit.
    std::size_t columns() const;
    /// Columns of standard error now.
    std::size_t live_columns() const;

    /// The text in that colour, or as it is.
    std::string paint(color c, std::string_view text) const;
};

/// No width where there is no terminal, whatever COLUMNS says; COLUMNS counts for one that does not tell its
/// own. Colours unless NO_COLOR is set, TERM is "dumb" or `no_color`.
terminal look_at_terminal(bool no_color);

} // namespace enrichd::ctl
