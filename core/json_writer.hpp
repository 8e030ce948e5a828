// Writes JSON strings quickly: request files are mostly text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace enrichd {

/// Appends a text as a JSON string with its quotes. The text must be valid UTF-8; what JSON demands is
/// escaped (quote, backslash, U+0000 to U+001F), all else stays as it is.
void append_json_string(std::string& json, std::string_view utf8);

} // namespace enrichd
