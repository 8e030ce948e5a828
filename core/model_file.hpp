// Reading a file of models (the form is described at the top of core/data/models.toml).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "core/model.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace enrichd {

using model_map = std::map<std::string, model, std::less<>>;

/// `known` with the models of the file over it. Errors: as model_catalogue::overlay().
result<model_map> read_models(model_map known, std::string_view toml, std::string_view file_name);

} // namespace enrichd
