// The version of this program.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace enrichd {

/// "0.1.0", from the project's CMakeLists.txt.
std::string_view program_version();

} // namespace enrichd
