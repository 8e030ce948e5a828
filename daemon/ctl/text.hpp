// Texts for a terminal: escaped, measured, cut; and numbers for people.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace enrichd::ctl {

/// Control characters become visible ("\n", "\x1b"), invalid UTF-8 becomes U+FFFD: what came from a database
/// or a provider must not move the cursor.
std::string escape(std::string_view text);

/// For a message within a line: what breaks lines becomes a blank, everything else is escaped.
std::string one_line(std::string_view message);

/// For a message of several lines, such as SQL to be run: the further ones are indented, so that none of them
/// passes for a line of ours; tabs become blanks, everything else is escaped.
std::string several_lines(std::string_view message);

/// Columns that a text takes: 2 for wide characters, 0 for combining ones. The text is escaped.
std::size_t display_width(std::string_view text);

/// At most `width` columns; what was cut ends in an ellipsis.
std::string cut(std::string_view text, std::size_t width);

/// Lines no wider than `width` columns, broken at blanks and then indented a little more; 0: as they are.
/// Colours take no room. A word that is wider than a line stays whole, so that it can be copied.
std::string wrap(std::string_view lines, std::size_t width);

/// "3 s", "2 min", "5 h", "4 d": of a span in milliseconds, rounded down.
std::string duration(std::int64_t ms);

/// "in 12 s", "3 min ago", "now"
std::string relative(std::int64_t at_ms, std::int64_t now_ms);

/// "812 B", "1.2 MB"
std::string size(std::int64_t bytes);

/// "1 row", "2 rows"
std::string counted(std::int64_t n, std::string_view one);

/// "0.0135" as "$0.0135"; what is no amount stays as it is.
std::string dollars(const std::string& exact);

} // namespace enrichd::ctl
