// SPDX-License-Identifier: Apache-2.0
#include "daemon/provider/verdict.hpp"

#include "core/json_edge.hpp"
#include "daemon/provider/retry_after.hpp"

#include <fmt/format.h>

#include <string>

namespace enrichd::provider {

namespace {

constexpr std::size_t message_limit = 500;

struct fault {
    std::string code; ///< the provider's own, or empty
    std::string message;
};

// {"error": {"message", "type", "param", "code"}}; other servers send {"error": "text"}, {"message": "text"},
// {"detail": "text"}, or a page.
fault read_fault(const http::response& answer) {
    const auto parsed = parse_json(answer.body);
    if (!parsed) return {"", answer.body.empty() ? "no explanation" : safe_excerpt(answer.body)};
    const auto* inner = member(*parsed, "error");
    const auto& object = inner && inner->is_object() ? *inner : *parsed;
    auto message = text_member(object, "message");
    if (!message) message = text_member(*parsed, "error");
    if (!message) message = text_member(object, "detail");
    const auto code = text_member(object, "code");
    return {code ? safe_excerpt(*code, 64) : "",
            message ? safe_excerpt(*message, message_limit) : safe_excerpt(answer.body)};
}

// A refusal in the API's own form: {"error": {...}}. Anything else came from something in between, which may
// have passed the call on before.
bool is_of_the_api(const http::response& answer) {
    const auto parsed = parse_json(answer.body);
    const auto* inner = parsed ? member(*parsed, "error") : nullptr;
    return inner && inner->is_object();
}

errc code_for(const http::response& answer, call_kind kind) {
    const auto status = answer.status;
    // Whatever a gateway says of a call that costs money, the batch may be there.
    if (kind == call_kind::buy && !is_of_the_api(answer)) return errc::provider_ambiguous;
    switch (status) {
    case 401:
    case 403: return errc::provider_unauthorized;
    case 429: return errc::provider_busy;
    case 408: return errc::provider_ambiguous;
    case 413: return errc::provider_rejected;
    case 409: return kind == call_kind::cancel ? errc::provider_rejected : errc::provider_ambiguous;
    default: break;
    }
    // It may be restarted just now: a file is sent again, and its job not failed.
    if (status / 100 == 4 && kind == call_kind::upload && !is_of_the_api(answer))
        return errc::provider_ambiguous;
    return status / 100 == 3 || status / 100 == 4 ? errc::provider_rejected : errc::provider_ambiguous;
}

} // namespace

error refusal(const http::response& answer, call_kind kind, std::string_view call,
              std::chrono::system_clock::time_point now) {
    auto [code, message] = read_fault(answer);
    if (answer.status / 100 == 3) {
        const auto where = answer.find("Location");
        message = fmt::format("redirects to {}, which is not followed; set base_url to where the API is",
                              where ? safe_excerpt(*where) : "nowhere");
    }
    error e{code_for(answer, kind), code.empty() ? message : fmt::format("{}: {}", code, message)};
    e.detail += fmt::format(" (HTTP {} to {}", answer.status, call);
    if (const auto id = answer.find("x-request-id"))
        e.detail += fmt::format(", request {}", safe_excerpt(*id, 100));
    e.detail += ")";
    e.retry_after = retry_after(answer, now);
    return e;
}

error lost(const error& transport) {
    error e = transport;
    switch (transport.code) {
    case errc::cancelled: break;
    case errc::unavailable: e.code = errc::provider_busy; break;
    case errc::invalid_input: e.code = errc::provider_rejected; break;
    default: e.code = errc::provider_ambiguous; break;
    }
    return e;
}

bool may_repeat(const http::response& answer) {
    if (const auto wish = answer.find("x-should-retry")) {
        if (*wish == "true") return true;
        if (*wish == "false") return false;
    }
    return answer.status == 408 || answer.status == 409 || answer.status == 429 || answer.status >= 500;
}

bool may_repeat(const error& transport) {
    return transport.code == errc::io || transport.code == errc::timed_out ||
           transport.code == errc::unavailable;
}

bool answered(const error& e, int status) {
    return e.detail.find(fmt::format("(HTTP {} to ", status)) != std::string::npos;
}

bool says_gone(const error& e, const std::string& file_id) {
    if (e.code != errc::provider_rejected || !answered(e, 404)) return false;
    const auto message = e.detail.substr(0, e.detail.rfind(" (HTTP 404 to "));
    return message.find(file_id) != message.npos;
}

} // namespace enrichd::provider
