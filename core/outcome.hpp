// How one request ended: exactly one outcome each, with a reason.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace enrichd {

enum class outcome {
    ok,          ///< the value is in the target
    skipped,     ///< nothing to write: already done, no text, too short
    stale,       ///< the row's text changed while the batch ran; eligible in the next run
    gone,        ///< the row was deleted
    http_error,  ///< the request was answered with a status other than 200
    expired,     ///< the provider's completion window ended first
    cancelled,   ///< the batch was cancelled, by the user or at our deadline, or refused as a whole
    missing,     ///< neither file has a line for it
    unparseable, ///< its line cannot be read
    refused,     ///< the model declined, or a content filter stopped it
    truncated,   ///< the answer was cut off by the output cap
    invalid,     ///< read, but unusable: wrong dimensions, NaN, empty, NUL
};

inline constexpr outcome all_outcomes[] = {
    outcome::ok,          outcome::skipped, outcome::stale,     outcome::gone,
    outcome::http_error,  outcome::expired, outcome::cancelled, outcome::missing,
    outcome::unparseable, outcome::refused, outcome::truncated, outcome::invalid,
};

std::string_view name(outcome o);
std::optional<outcome> parse_outcome(std::string_view word);

/// Whether a request with this outcome is sent again by itself (at most three tries, within the run's
/// budget). `http_status` counts for http_error alone: 0, 408, 409, 429 and 5xx are worth another try.
bool retryable(outcome o, int http_status);

} // namespace enrichd
