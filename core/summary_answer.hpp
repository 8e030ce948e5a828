// The text of a chat completion, checked and made fit for a column.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <simdjson.h>

#include <string>

#include "core/outcome.hpp"

namespace enrichd {

struct summary_answer {
    outcome how = outcome::invalid; ///< ok, refused, truncated or invalid
    std::string reason;             ///< empty for ok
    std::string text;               ///< only for ok
};

/// Reads the first choice in the body of a chat completion. Line ends become "\n", other control characters
/// but the tab are dropped, blanks at both ends are trimmed. A text with a NUL, or of which nothing is left,
/// is invalid.
summary_answer read_summary(simdjson::dom::element body);

} // namespace enrichd
