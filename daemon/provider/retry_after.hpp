// How long a server asks us to wait.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/http/message.hpp"

#include <chrono>
#include <optional>

namespace enrichd::provider {

/// From retry-after-ms, else from Retry-After as seconds or as an HTTP date (RFC 9110, 10.2.3 and 5.6.7) seen
/// from `now`. A time that has passed is no wait; more than a day counts as a day; what cannot be read as
/// nothing.
std::optional<std::chrono::milliseconds> retry_after(const http::response& answer,
                                                     std::chrono::system_clock::time_point now);

} // namespace enrichd::provider
