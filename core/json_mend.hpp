// JSON that other programs write and strict readers refuse.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace enrichd {

/// The same value as JSON that every reader takes: a byte order mark before it and zero bytes behind it gone,
/// an escaped half of a surrogate pair (RFC 8259, 8.2) made U+FFFD, integers beyond 64 bits made
/// floating-point. Absent where it is not JSON even so. Slow: for what could not be read as it was.
std::optional<std::string> mend_json(std::string_view text);

} // namespace enrichd
