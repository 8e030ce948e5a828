// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/timeline.hpp"

#include <algorithm>
#include <cmath>

namespace enrichd::sandbox {

timeline::timeline(const batch_record& b, const timing& t)
    : batch_(b),
      total_ms_(1000 * (b.faults.seconds >= 0 ? b.faults.seconds : t.batch_seconds)),
      window_ms_(1000 * t.window_seconds) {}

std::int64_t timeline::after(std::int64_t from, double share) const {
    // Less than a rounding error is not a millisecond.
    return from + static_cast<std::int64_t>(std::ceil(total_ms_ * share - 1e-6));
}

std::int64_t timeline::share_of_lines(double fraction) const {
    return fraction < 0 ? batch_.total
                        : static_cast<std::int64_t>(std::floor(fraction * static_cast<double>(batch_.total)));
}

std::int64_t timeline::validated_ms() const {
    return after(batch_.created_ms, 0.1);
}

std::int64_t timeline::reachable_lines() const {
    const auto& f = batch_.faults;
    return std::min({share_of_lines(f.expire_at), share_of_lines(f.cancel_at), share_of_lines(f.stall_at)});
}

std::int64_t timeline::lines_due(std::int64_t now_ms) const {
    const auto begin = batch_.in_progress_ms.value_or(now_ms);
    const double span = total_ms_ * 0.8;
    const double elapsed = static_cast<double>(now_ms - begin);
    const double share = span <= 0 ? 1 : std::clamp(elapsed / span, 0.0, 1.0);
    const auto due = static_cast<std::int64_t>(std::floor(share * static_cast<double>(batch_.total)));
    return std::min(due, reachable_lines());
}

std::int64_t timeline::next_line_ms() const {
    const double share = static_cast<double>(batch_.lines_done + 1) /
                         static_cast<double>(std::max<std::int64_t>(1, batch_.total));
    return after(batch_.in_progress_ms.value_or(batch_.created_ms), 0.8 * share);
}

std::int64_t timeline::finalizing_ms() const {
    return after(batch_.created_ms, 0.9);
}
std::int64_t timeline::completed_ms() const {
    return after(batch_.finalizing_ms.value_or(batch_.created_ms), 0.1);
}
std::int64_t timeline::cancelled_ms() const {
    return after(batch_.cancelling_ms.value_or(batch_.created_ms), 0.1);
}
std::int64_t timeline::window_end_ms() const {
    return batch_.created_ms + static_cast<std::int64_t>(window_ms_);
}

bool timeline::expires_now() const {
    return batch_.faults.expire_at >= 0 && batch_.lines_done >= share_of_lines(batch_.faults.expire_at);
}
bool timeline::cancels_now() const {
    return batch_.faults.cancel_at >= 0 && batch_.lines_done >= share_of_lines(batch_.faults.cancel_at);
}

} // namespace enrichd::sandbox
