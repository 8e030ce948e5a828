// When a batch does what: the compressible clock. Pure.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/sandbox/records.hpp"

#include <cstdint>

namespace enrichd::sandbox {

/// How long things take here.
struct timing {
    double batch_seconds = 0;       ///< from creation to completed; 0: at once
    double window_seconds = 86'400; ///< from creation to expired
};

/// The first tenth of a batch's time is validation, the last one finalizing (or cancelling); between them the
/// lines come evenly. The work itself may take longer, and then the batch does.
class timeline {
public:
    timeline(const batch_record& b, const timing& t);

    std::int64_t validated_ms() const;
    /// Lines that are due at that time: what a scenario holds back is not.
    std::int64_t lines_due(std::int64_t now_ms) const;
    /// When the next line is due; lines_due() has not reached reachable_lines().
    std::int64_t next_line_ms() const;
    /// As many lines as the scenario lets the batch do.
    std::int64_t reachable_lines() const;
    std::int64_t finalizing_ms() const;
    std::int64_t completed_ms() const;
    std::int64_t cancelled_ms() const;
    std::int64_t window_end_ms() const;
    /// The scenario ends the batch here: it has done its share of lines.
    bool expires_now() const;
    bool cancels_now() const;

private:
    std::int64_t after(std::int64_t from, double share) const;
    std::int64_t share_of_lines(double fraction) const;

    const batch_record& batch_;
    double total_ms_;
    double window_ms_;
};

} // namespace enrichd::sandbox
