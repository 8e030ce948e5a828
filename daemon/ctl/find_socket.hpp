// Where the daemon's socket is.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace enrichd::ctl {

/// The one that was given; else the first place where a daemon answers; else the first one that there is;
/// else the last place, which is the system's.
std::string find_socket(const std::string& given);

} // namespace enrichd::ctl
