// The target of a request line, taken apart: path and query parameters (RFC 9112 section 3.2, RFC 3986).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace enrichd::http {

struct request_target {
    std::string path; ///< percent-decoded
    std::vector<std::pair<std::string, std::string>> query;
};

/// Takes "/a%20b?x=1&y=a+b" apart. In the query '+' is a space, as forms write it. Absent where the target
/// does not begin with '/', or an escape is not two hexadecimal digits, or is a zero byte.
std::optional<request_target> parse_request_target(std::string_view target);

/// Whether two header field names are the same name.
bool same_field(std::string_view a, std::string_view b);

} // namespace enrichd::http
