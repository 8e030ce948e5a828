// What a command line of enrichctl said.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/control.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace enrichd::ctl {

struct options {
    command_id command = command_id::status;
    std::string socket; ///< --socket; empty: looked for
    bool json = false;
    bool no_color = false;

    std::map<flag_id, std::string> values; ///< checked, of flags that take one
    std::map<flag_id, bool> switches;      ///< of flags that take none
    std::vector<std::string> operands;

    bool has(flag_id f) const { return values.contains(f) || switches.contains(f); }
    std::string value(flag_id f) const {
        const auto at = values.find(f);
        return at == values.end() ? std::string() : at->second;
    }

    /// --batch-id, or the one operand; empty if there is neither.
    std::string id() const {
        if (const auto given = value(flag_id::batch_id); !given.empty()) return given;
        return operands.empty() ? std::string() : operands.front();
    }
    /// --timeout in seconds.
    std::optional<double> timeout() const { return parse_duration(value(flag_id::timeout)); }
};

} // namespace enrichd::ctl
