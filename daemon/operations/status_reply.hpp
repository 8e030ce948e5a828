// What GET /v1/status answers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "daemon/operations/operation_parts.hpp"

#include <nlohmann/json_fwd.hpp>

namespace enrichd {

nlohmann::json status_reply(const operation_parts& parts);

} // namespace enrichd
