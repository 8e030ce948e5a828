// The configuration as the daemon reads it: files and environment into one checked value.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/config.hpp"
#include "core/error.hpp"
#include "core/model.hpp"

#include <optional>
#include <string>

namespace enrichd {

/// Where the configuration comes from; read again on every reload.
struct config_sources {
    std::optional<std::string> config_file; ///< --config; otherwise the default place, if there is a file
    std::optional<std::string> env_file;    ///< --env-file
};

struct loaded_settings {
    enrichd::config config;
    model_catalogue models;
    std::string api_key;     ///< read from its file; never printed
    std::string config_file; ///< the file that was read; empty if there is none
};

/// Reads everything that the daemon needs to begin. Errors: invalid_input with one problem a line, io.
result<loaded_settings> load_settings(const config_sources& from);

} // namespace enrichd
