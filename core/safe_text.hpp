// Text from elsewhere, made safe to show.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace enrichd {

/// Whether `rest` begins with a control character of the second block, U+0080 to U+009F (two bytes in UTF-8).
bool begins_with_late_control(std::string_view rest);

/// What a provider says, for messages and reports: UTF-8, control characters turned into blanks, at most
/// `limit` bytes and an ellipsis.
std::string safe_text(std::string_view utf8, std::size_t limit = 300);

} // namespace enrichd
