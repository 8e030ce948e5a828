// A line of a request file that was sent, read back where nothing else knows of it any more.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/batch_request.hpp"
#include "core/recipe.hpp"
#include "core/tokenizer.hpp"

#include <string_view>

namespace enrichd {

/// What its answer costs, and how many vectors it must have, as build_requests() would have told; the tokens
/// are counted anew from what the line says. `json` stays empty. Of a line that cannot be read all but
/// reply_bytes is zero.
request_line read_sent_request(std::string_view line, const recipe& r, token_counter& counter);

} // namespace enrichd
