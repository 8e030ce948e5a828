// "Did you mean": the known word nearest to a mistyped one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd {

/// The word of `known` that `word` was most likely meant to be; absent where none is near. Near is at most
/// one slip per three letters, at least one, a slip being a letter too many, missing, wrong, or swapped with
/// its neighbour (the optimal string alignment distance); '-' and '_' and capitals count as equal. Of several
/// equally near words the first wins. A word longer than 64 bytes is near to nothing.
std::optional<std::string> closest(std::string_view word, const std::vector<std::string>& known);

/// " (did you mean \"...\"?)", or nothing: to be appended to a message.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

} // namespace enrichd
