// The work on a batch, some lines at a time: answers appended to its files, and how far it got.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/sandbox/scenario.hpp"
#include "daemon/sandbox/store.hpp"
#include "daemon/sandbox/token_bench.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <vector>

namespace enrichd::sandbox {

struct slice_order {
    batch_record batch;
    std::filesystem::path input, output, errors;
    std::int64_t lines = 0;              ///< at most so many
    std::chrono::milliseconds time{200}; ///< and about so long
    bool expire = false;                 ///< the window is over: each line ends batch_expired
    std::shared_ptr<const scenario> faults;
    std::uint64_t seed = 0;
    std::int64_t now = 0; ///< seconds since 1970
};

struct slice_done {
    batch_record batch; ///< its counts and places moved on
    std::vector<billed_line> billed;
};

/// Begins where the batch's record stands: what a killed process wrote beyond it is cut off first. Throws
/// std::system_error or fatal_error where a file cannot be used.
slice_done work_slice(slice_order order, token_bench& bench);

/// Shuffles the lines of a file, the same way for the same seed.
void reorder_lines(const std::filesystem::path& file, std::uint64_t seed);

} // namespace enrichd::sandbox
