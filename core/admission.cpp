// SPDX-License-Identifier: Apache-2.0
#include "core/admission.hpp"

#include <algorithm>

namespace enrichd {

namespace {

bool take(std::optional<std::uint64_t>& room, std::uint64_t wanted) {
    if (!room) return true;
    if (wanted > *room) return false;
    *room -= wanted;
    return true;
}

bool take(queue_room& room, const queue_place& p) {
    auto after = room;
    if (!take(after.tokens, p.tokens) || !take(after.requests, p.requests)) return false;
    room = after;
    return true;
}

} // namespace

std::set<std::int64_t> admitted(std::vector<queue_place> waiting, queue_room room, std::int64_t now_ms) {
    std::ranges::sort(waiting, {}, &queue_place::job_id);
    std::set<std::int64_t> go;
    for (const auto& p : waiting) {
        if (take(room, p))
            go.insert(p.job_id);
        else if (now_ms - p.waiting_since_ms >= longest_overtaken_ms)
            break; // it was overtaken for long enough
    }
    return go;
}

} // namespace enrichd
