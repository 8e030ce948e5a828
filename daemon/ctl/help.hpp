// The texts of --help, from the table of commands.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/control.hpp"

#include <string>
#include <string_view>

namespace enrichd::ctl {

std::string general_help();
/// Of commands of two words: the ones that begin with this.
std::string group_help(std::string_view group);
std::string command_help(const command& c);

} // namespace enrichd::ctl
