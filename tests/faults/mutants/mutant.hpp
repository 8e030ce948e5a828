// Deliberate defects, one at a time: that the campaign is green means something only if it finds these.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace enrichd::faults {

/// Whether this is the defect that is switched on. Called from the copies of our sources that
/// tests/faults/mutants/CMakeLists.txt makes; no program that users run is linked with them.
bool is_mutant(std::string_view name);
/// Empty: none.
void become_mutant(std::string_view name);

} // namespace enrichd::faults
