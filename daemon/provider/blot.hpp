// A secret is taken out of what a server says.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace enrichd::provider {

/// `text` with "[API key]" in each place of the key, however it is spelt there: as it is, percent-encoded as
/// in a URL (RFC 3986, 2.1), or escaped as in JSON (RFC 8259, 7), once or within a string that is escaped
/// again. A key of less than eight characters stays: "test" of a rehearsal is a word, and no secret.
std::string without_key(std::string text, std::string_view key);

} // namespace enrichd::provider
