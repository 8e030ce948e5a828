// Which of the jobs that wait for an account's queue may go now.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace enrichd {

/// A job that waits for its place in a model's queue.
struct queue_place {
    std::int64_t job_id = 0;
    std::uint64_t tokens = 0; ///< input tokens: what providers count as enqueued
    std::uint64_t requests = 0;
    std::int64_t waiting_since_ms = 0;
};

/// What a queue still takes; absent: no limit is known.
struct queue_room {
    std::optional<std::uint64_t> tokens;
    std::optional<std::uint64_t> requests;
};

/// So long a job may be overtaken by smaller ones; then nothing that is newer goes before it.
inline constexpr std::int64_t longest_overtaken_ms = 3'600'000;

/// The jobs that fit into the room together: the oldest first, and of what is behind one that does not fit,
/// what does. Ids are in the order of age.
std::set<std::int64_t> admitted(std::vector<queue_place> waiting, queue_room room, std::int64_t now_ms);

} // namespace enrichd
