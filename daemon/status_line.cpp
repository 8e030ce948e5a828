// SPDX-License-Identifier: Apache-2.0
#include "daemon/status_line.hpp"

#include <fmt/format.h>

namespace enrichd {

std::string status_line(ledger& l) {
    std::string line = l.paused() ? "paused, " : "";
    bool any = false;
    for (const auto& [state, count] : l.jobs().open_by_state()) {
        line += fmt::format("{} {}, ", count, state);
        any = true;
    }
    if (!any) line += "idle, ";
    const auto money = l.totals();
    return line + fmt::format("{} spent, {} reserved", display_dollars(money.spent),
                              display_dollars(money.reserved));
}

} // namespace enrichd
