// What the sandbox remembers: files and batches.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/sandbox/answers.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd::sandbox {

inline constexpr std::int64_t thirty_days = 2'592'000; ///< in seconds: how long a file of a batch lives

struct file_record {
    std::int64_t ordinal = 0; ///< by age
    std::string id;
    std::string purpose;
    std::string filename;
    std::int64_t bytes = 0;
    std::int64_t created_at = 0; ///< seconds since 1970
    std::optional<std::int64_t> expires_at;
};

/// The words of the API. The first three are on the way, the fourth too; the rest are ends.
enum class phase { validating, in_progress, finalizing, cancelling, completed, failed, expired, cancelled };
std::string_view name(phase p);
std::optional<phase> parse_phase(std::string_view word);
constexpr bool is_end(phase p) {
    return p == phase::completed || p == phase::failed || p == phase::expired || p == phase::cancelled;
}

/// What a scenario decided for a batch when it was created. Fractions are of its lines; negative: never.
struct batch_faults {
    std::string fail_code; ///< empty: none
    std::string fail_message;
    double expire_at = -1;
    double cancel_at = -1;
    double stall_at = -1;
    double seconds = -1;           ///< how long it takes; negative: as the program was told
    std::int64_t hidden_ms = 0;    ///< not in the list for so long
    std::int64_t hidden_calls = 0; ///< nor in so many more list calls
    bool reorder = false;
    bool null_output_file = false;
    bool empty_error_file_id = false;
};

struct validation_error {
    std::string code;
    std::string message;
    std::optional<std::string> param;
    std::optional<std::int64_t> line; ///< counted from 1
};

/// A batch, and how far the work on it is. Times are milliseconds since 1970.
struct batch_record {
    std::int64_t ordinal = 0;     ///< by age
    std::int64_t in_scenario = 0; ///< how many-th of the scenario that was in force, counted from 1
    std::string id;
    std::string endpoint;
    std::string input_file_id;
    std::string completion_window;
    std::string metadata; ///< JSON: an object of strings, or null
    std::string model;    ///< known after validation
    phase status = phase::validating;
    std::vector<validation_error> errors;
    // Chosen when the work is over, shown when the batch has ended.
    std::optional<std::string> output_file_id;
    std::optional<std::string> error_file_id;
    std::int64_t output_ttl = 0; ///< seconds that its output files live; 0: the usual 30 days

    std::int64_t created_ms = 0;
    std::optional<std::int64_t> in_progress_ms, finalizing_ms, completed_ms, failed_ms, expired_ms,
        cancelling_ms, cancelled_ms;

    std::int64_t total = 0;
    std::int64_t completed = 0;
    std::int64_t failed = 0;
    bill billed;
    std::int64_t enqueued_tokens = 0; ///< counted where a quota asks for it

    // The place where the work stands: what lies beyond these in the files was not recorded, and is cut off.
    std::int64_t lines_done = 0;
    std::int64_t input_offset = 0;
    std::int64_t output_bytes = 0;
    std::int64_t error_bytes = 0;
    std::vector<std::uint64_t> rule_hits; ///< of the scenario's line rules, in this batch

    batch_faults faults;
};

/// The stored form of a batch, and back. from_json: absent where it is not that.
std::string to_json(const batch_record& b);
std::optional<batch_record> batch_from_json(std::string_view json);

} // namespace enrichd::sandbox
