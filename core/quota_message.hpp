// What a provider's own words tell of an account's queue.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace enrichd {

/// Whether these words refuse a batch because the account's queue is full: the code token_limit_exceeded, or
/// what OpenAI and Azure write.
bool says_queue_is_full(std::string_view text);

/// The most tokens that the queue takes, as the refusal tells it: "Limit: 2,000,000 enqueued tokens"
/// (OpenAI), "the configured limit of 30K" (Azure). Absent: it tells none.
std::optional<std::uint64_t> told_queue_limit(std::string_view text);

} // namespace enrichd
