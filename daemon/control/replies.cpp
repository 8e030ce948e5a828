// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/replies.hpp"

#include <nlohmann/json.hpp>

#include "core/control_errors.hpp"
#include "core/version.hpp"

namespace enrichd::control {

std::string render(json body) {
    body["schema_version"] = schema_version;
    body["version"] = program_version();
    return body.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

json error_body(std::string_view code, std::string_view message, std::string_view hint) {
    return {{"error", {{"code", code}, {"message", message}, {"hint", hint}}}};
}

http::field_list version_field() {
    return {{"Enrichd-Version", std::string(program_version())}};
}

awaitable<result<void>> send_json(http::response_writer& out, int status, json body, http::field_list more) {
    auto fields = version_field();
    fields.insert(fields.end(), more.begin(), more.end());
    co_return co_await out.reply(status, "application/json", render(std::move(body)), fields);
}

awaitable<result<void>> send_error(http::response_writer& out, error e) {
    auto body = error_body(name(e.code), e.detail, hint(e.code, e.detail));
    co_return co_await send_json(out, http_status(e.code), std::move(body));
}

} // namespace enrichd::control
