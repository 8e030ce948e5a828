// An error as replies hold it: code, message and hint.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace enrichd {

/// `hint` stands in for the usual one of this code and message; empty: the usual one.
nlohmann::json error_object(errc code, const std::string& message, const std::string& hint = {});

} // namespace enrichd
