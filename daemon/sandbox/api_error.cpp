// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/api_error.hpp"

#include "daemon/sandbox/or_null.hpp"

#include <nlohmann/json.hpp>

namespace enrichd::sandbox {

std::string body_of(const api_error& e) {
    nlohmann::ordered_json fields;
    fields["message"] = e.message;
    fields["type"] = e.type;
    fields["param"] = or_null(e.param);
    fields["code"] = or_null(e.code);
    nlohmann::ordered_json body;
    body["error"] = std::move(fields);
    // Messages quote what was sent, which need not be UTF-8.
    return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace enrichd::sandbox
