// The validation of a batch's input file, as the API does it: after the batch was created.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/sandbox/records.hpp"
#include "daemon/sandbox/token_bench.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace enrichd::sandbox {

/// Limits of one batch (the vendor's guide, "Batch API").
inline constexpr std::int64_t max_batch_requests = 50'000;
inline constexpr std::int64_t max_batch_inputs = 50'000; ///< of embeddings, over the whole batch
inline constexpr std::int64_t max_batch_bytes = 200'000'000;

struct validation {
    std::vector<validation_error> errors; ///< at most 50; any means that the batch fails
    std::string model;
    std::int64_t requests = 0;
    std::int64_t tokens = 0; ///< of the inputs, if they were asked for
};

/// Reads the whole file, one line at a time. `count_tokens`: a quota wants to know.
validation validate_batch(const std::filesystem::path& input, std::string_view endpoint, bool count_tokens,
                          token_bench& bench);

} // namespace enrichd::sandbox
