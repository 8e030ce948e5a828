// The command line of enrich-sandbox.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/sandbox/service.hpp"

#include <optional>
#include <string>

namespace enrichd::sandbox {

struct sandbox_options {
    std::string address = "127.0.0.1";
    std::uint16_t port = 8090; ///< 0: a free one
    std::string ready_file;
    service_options service;
    bool temporary = false;       ///< the data folder was made for this run, and goes with it
    std::optional<int> exit_code; ///< set where there is nothing more to do: --help, --version, a usage error
};

/// Reads the arguments and the scenario's file; makes a temporary data folder where none is given. Throws
/// fatal_error with invalid_input, which names the option or the place in the file.
sandbox_options read_command_line(int argc, char** argv);

} // namespace enrichd::sandbox
