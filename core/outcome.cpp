// SPDX-License-Identifier: Apache-2.0
#include "core/outcome.hpp"

namespace enrichd {

std::string_view name(outcome o) {
    switch (o) {
    case outcome::ok: return "ok";
    case outcome::skipped: return "skipped";
    case outcome::stale: return "stale";
    case outcome::gone: return "gone";
    case outcome::http_error: return "http_error";
    case outcome::expired: return "expired";
    case outcome::cancelled: return "cancelled";
    case outcome::missing: return "missing";
    case outcome::unparseable: return "unparseable";
    case outcome::refused: return "refused";
    case outcome::truncated: return "truncated";
    case outcome::invalid: return "invalid";
    }
    return "";
}

std::optional<outcome> parse_outcome(std::string_view word) {
    for (outcome o : all_outcomes)
        if (name(o) == word) return o;
    return std::nullopt;
}

bool retryable(outcome o, int http_status) {
    switch (o) {
    case outcome::expired:
    case outcome::missing:
    case outcome::unparseable:
    case outcome::invalid: return true;
    case outcome::http_error:
        return http_status == 0 || http_status == 408 || http_status == 409 || http_status == 429 ||
               http_status >= 500;
    case outcome::ok:
    case outcome::skipped:
    case outcome::stale:
    case outcome::gone:
    case outcome::cancelled:
    case outcome::refused:
    case outcome::truncated: return false;
    }
    return false;
}

} // namespace enrichd
