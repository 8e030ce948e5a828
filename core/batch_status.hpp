// The provider's batch object, read into a value of ours.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd {

/// Where a batch stands. A word that we do not know is `unknown`: not ended, worth a warning.
enum class batch_status {
    validating,
    in_progress,
    finalizing,
    completed,
    failed,
    expired,
    cancelling,
    cancelled,
    unknown,
};

/// The provider's word for it.
std::string_view name(batch_status s);

/// True where the provider will not change the batch any more: completed, failed, expired, cancelled.
bool has_ended(batch_status s);

struct batch_error {
    std::string code;
    std::string message;
    std::optional<std::int64_t> line; ///< of the input file, counted from 1
};

/// Tokens as the provider counted and bills them.
struct token_usage {
    std::int64_t input_tokens = 0;
    std::int64_t cached_tokens = 0; ///< part of input_tokens
    std::int64_t output_tokens = 0;
    std::int64_t reasoning_tokens = 0; ///< part of output_tokens

    token_usage& operator+=(const token_usage& o) {
        input_tokens += o.input_tokens;
        cached_tokens += o.cached_tokens;
        output_tokens += o.output_tokens;
        reasoning_tokens += o.reasoning_tokens;
        return *this;
    }
    bool operator==(const token_usage&) const = default;
};

/// A batch. Everything but id, status and created_at may be missing in what the provider sends; an empty
/// string counts as missing. Times are seconds since 1970 by the provider's clock.
struct batch_object {
    std::string id;
    batch_status status = batch_status::unknown;
    std::string status_word; ///< as it was sent, in lower case
    std::int64_t created_at = 0;
    std::optional<std::int64_t> expires_at;
    std::string input_file_id;
    std::string endpoint;
    std::optional<std::string> output_file_id;
    std::optional<std::string> error_file_id;
    std::int64_t total = 0; ///< request_counts; 0 while validating
    std::int64_t completed = 0;
    std::int64_t failed = 0;
    std::optional<token_usage> usage;
    std::vector<batch_error> errors;
    std::map<std::string, std::string> metadata;
};

/// Whether it failed because the account's queue of its model is full: it did nothing, and may be made again
/// once others have ended.
bool failed_for_full_queue(const batch_object& b);

/// Reads a batch object. Errors: provider_invalid, with the first 200 safe characters of what was sent.
result<batch_object> parse_batch(std::string_view json);

/// Reads `{"data": [...], "has_more": ...}` of GET /v1/batches.
struct batch_list {
    std::vector<batch_object> batches;
    std::optional<bool> has_more; ///< some servers do not say
};
result<batch_list> parse_batch_list(std::string_view json);

} // namespace enrichd
