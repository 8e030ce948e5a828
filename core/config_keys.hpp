// The table of the configuration's keys: what the reader, the documentation and its test, and listings for
// people are made from.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/config.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace enrichd {

/// A value as it was given, before anybody looked at what it should be. The name of a type stands for what no
/// key takes (a date, a table); `written` is a value that came without a type, from the environment.
struct written {
    std::string text;
};
struct other_type {
    std::string name;
};
using config_value =
    std::variant<std::string, std::int64_t, double, bool, std::vector<double>, written, other_type>;

/// One key.
struct config_key {
    std::string name;                     ///< "section.key"
    std::string expected;                 ///< completes "expected ..."
    std::string default_text;             ///< for people
    std::string meaning;                  ///< one sentence
    std::vector<std::string> environment; ///< the first one that is set counts
    bool in_file = true;                  ///< false: from the environment and env files alone
    bool secret = false;                  ///< may hold a password: its value is never shown

    /// Puts the value into the configuration; false if it is not what is expected.
    std::function<bool(config&, const config_value&)> set;
};

/// Every key, in the order of the documentation.
const std::vector<config_key>& config_keys();

/// The keys as text for a terminal: name, default, variables, meaning.
std::string config_key_listing();

} // namespace enrichd
