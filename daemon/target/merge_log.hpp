// The outcomes of a merged slice as the one text that the merge log keeps.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "daemon/target/target.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace enrichd::target {

/// JSON, equal neighbours counted: [[998,"ok",""],[1,"gone","..."],[1,"ok",""]].
std::string pack_outcomes(const std::vector<merged_row>& rows);

/// Errors: internal, if the text is none of ours or tells of another number of rows than `expected`.
result<std::vector<merged_row>> unpack_outcomes(std::string_view packed, std::size_t expected);

} // namespace enrichd::target
