// SPDX-License-Identifier: Apache-2.0
#include "daemon/operations/error_object.hpp"

#include "core/control_errors.hpp"

#include <nlohmann/json.hpp>

namespace enrichd {

nlohmann::json error_object(errc code, const std::string& message, const std::string& hint) {
    return {{"code", name(code)},
            {"message", message},
            {"hint", hint.empty() ? std::string(enrichd::hint(code, message)) : hint}};
}

} // namespace enrichd
