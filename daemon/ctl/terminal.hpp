// What the terminal can show.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace enrichd::ctl {

enum class color { none, bold, dim, green, yellow, red };

struct terminal {
    std::size_t width = 0;       ///< columns of standard output; 0: no limit
    bool color_out = false;      ///< standard output takes colours
    bool live = false;           ///< standard error is a terminal: a line may be drawn again
    bool can_ask = false;        ///< standard input and error are terminals
    std::size_t live_width = 80; ///< of standard error

    /// The text in that colour, or as it is.
    std::string paint(color c, std::string_view text) const;
};

/// COLUMNS, or what the terminal says; colours unless NO_COLOR is set, TERM is "dumb" or `no_color`.
terminal look_at_terminal(bool no_color);

} // namespace enrichd::ctl
