// JSON replies and errors as they go out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/operations.hpp"
#include "daemon/http/server.hpp"

#include <string>
#include <string_view>

namespace enrichd::control {

inline constexpr int schema_version = 1;

/// The object as text, with schema_version and version in it. Bytes that are no UTF-8 are replaced.
std::string render(json body);

/// {"error": {"code", "message", "hint"}}
json error_body(std::string_view code, std::string_view message, std::string_view hint);

/// The daemon's version, as the field Enrichd-Version that every reply has.
http::field_list version_field();

/// `more`: further header fields.
awaitable<result<void>> send_json(http::response_writer& out, int status, json body,
                                  http::field_list more = {});
awaitable<result<void>> send_error(http::response_writer& out, error e);

} // namespace enrichd::control
