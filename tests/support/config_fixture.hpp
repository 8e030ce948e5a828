// Configurations as tests write them: TOML, read by a user with a home and a runtime folder.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/config.hpp"

#include <map>
#include <string>

namespace enrichd::test {

/// A user, not root; with `more` variables, or others in place of these.
inline surroundings somebody(std::map<std::string, std::string, std::less<>> more = {}) {
    surroundings s{{{"HOME", "/home/ann"}, {"XDG_RUNTIME_DIR", "/run/user/1000"}}, false};
    for (auto& [name, value] : more)
        s.environment[name] = value;
    return s;
}

inline result<config> from_toml(std::string text, const surroundings& around = somebody()) {
    return read_config(config_text{"enrichd.toml", std::move(text)}, std::nullopt, around);
}

/// What is said of a file; "accepted" if nothing.
inline std::string complaint(const std::string& toml) {
    const auto c = from_toml(toml);
    return c ? "accepted" : c.error().detail;
}

} // namespace enrichd::test
