// The texts of --help, from the table of commands.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/control.hpp"

#include <string>

namespace enrichd::ctl {

std::string general_help();
std::string command_help(const command& c);

} // namespace enrichd::ctl
