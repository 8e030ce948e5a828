// Command lines into options. The only place that knows the library for it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/control_errors.hpp"
#include "daemon/ctl/options.hpp"

#include <optional>
#include <string>

namespace enrichd::ctl {

/// Either something to do, or a text to print: help and versions go to standard output; a complaint (with an
/// exit code that is not ok) to standard error, with its hint.
struct command_line {
    std::optional<options> go;
    exit_code code = exit_code::ok;
    std::string text;
    std::string hint; ///< of a complaint
};

command_line parse_command_line(int argc, const char* const* argv);

} // namespace enrichd::ctl
