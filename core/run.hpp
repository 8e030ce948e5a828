// A run's life: what one command or schedule started, from request to report.
// SPDX-License-Identifier: Apache-2.0
//
//   requested -> building -> open -> done
//                   \-> refused        any -> cancelled
// A run lives by the same kind of turn as a job. A crash in the middle of building begins the building again:
// nothing of a run is submitted before all of it is built and within budget.
#pragma once

#include "core/error.hpp"

#include <optional>
#include <string_view>

namespace enrichd::run {

enum class state { requested, building, open, done, refused, cancelled };

enum class event {
    build_begun,
    built,           ///< every file is on disk, every row claimed, and the whole is within the budget
    refused,         ///< over budget, or the target, model or rows do not allow it
    resent,          ///< what failed and may be sent again became jobs of their own
    finished,        ///< every job has ended and the report is written
    cancel_wanted,   ///< by the user, before or while building
    cancel_finished, ///< every job of a cancelled run has ended
};

enum class effect {
    none,
    build,  ///< from the first row, whatever an earlier turn left behind
    settle, ///< a job has ended: send again what may be; write the report once all have
};

std::string_view name(state s);
std::optional<state> parse_state(std::string_view word);
std::string_view name(event e);

bool has_ended(state s);

/// What a run owes when it is due. An open run is due when one of its jobs has ended.
effect next_effect(state s);

/// Errors: illegal_transition.
result<state> apply(state s, event e);

} // namespace enrichd::run
