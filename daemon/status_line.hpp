// The one line that `systemctl status` shows.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/ledger.hpp"

#include <string>

namespace enrichd {

/// "2 polling, 1 merging, $0.0135 spent, $0.02 reserved", or "idle, ...".
std::string status_line(ledger& l);

} // namespace enrichd
