// What an answer that is no success, or no answer, means for the call that was made.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "daemon/http/message.hpp"

#include <chrono>
#include <string_view>

namespace enrichd::provider {

enum class call_kind {
    read,   ///< may be repeated: GET, and DELETE of a file
    upload, ///< of a file: repeating makes two, and costs nothing
    buy,    ///< creates a batch: repeating is paid for twice
    cancel, ///< of a batch: what it did can be seen by reading the batch
};

/// The error for an answer whose status is not 2xx:
///
/// | status      | error                                                                                    |
/// | 401, 403    | provider_unauthorized                                                                    |
/// | 429         | provider_busy, with retry_after if it was given                                          |
/// | 408         | provider_ambiguous: the server gave up waiting, and nobody says at which point           |
/// | 409         | cancel: provider_rejected, the batch is beyond cancelling. Else provider_ambiguous: the  |
/// |             | conflict may be with what an earlier, lost try has made                                  |
/// | other 4xx   | provider_rejected; to an upload only in the API's own form or as 413, else               |
/// |             | provider_ambiguous                                                                       |
/// | 3xx         | provider_rejected                                                                        |
/// | 5xx, others | provider_ambiguous, with retry_after if it was given                                     |
///
/// To what buys, all of these count only in the API's own form, {"error": {...}}: else a gateway speaks,
/// which may have passed the call on before, and it is provider_ambiguous.
///
/// detail is "code: message (HTTP 400 to POST /v1/batches, request req_1)", made safe to print; the code is
/// left out where the provider sent none. `call` is what was asked, e.g. "POST /v1/batches".
error refusal(const http::response& answer, call_kind kind, std::string_view call,
              std::chrono::system_clock::time_point now);

/// The error for a call that got no clean answer. Without a connection there was no effect: provider_busy.
/// Else provider_ambiguous; cancelled stays, and invalid_input is provider_rejected.
error lost(const error& transport);

/// Whether a read may end better if it is repeated: 408, 409, 429, 5xx; x-should-retry overrules that.
bool may_repeat(const http::response& answer);
bool may_repeat(const error& transport);

} // namespace enrichd::provider
