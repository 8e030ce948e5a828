// SPDX-License-Identifier: Apache-2.0
#include "core/run.hpp"

#include <fmt/format.h>

namespace enrichd::run {

namespace {

constexpr state all_states[] = {state::requested, state::building, state::open,
                                state::done,      state::refused,  state::cancelled};

std::optional<state> next(state s, event e) {
    switch (s) {
    case state::requested:
        if (e == event::build_begun) return state::building;
        if (e == event::cancel_wanted) return state::cancelled;
        return std::nullopt;
    case state::building:
        if (e == event::build_begun) return state::building; // begun again after a crash
        if (e == event::built) return state::open;
        if (e == event::refused) return state::refused;
        if (e == event::cancel_wanted) return state::cancelled;
        return std::nullopt;
    case state::open:
        if (e == event::resent) return state::open;
        if (e == event::finished) return state::done;
        if (e == event::cancel_finished) return state::cancelled;
        return std::nullopt;
    case state::done:
    case state::refused:
    case state::cancelled: return std::nullopt;
    }
    return std::nullopt;
}

} // namespace

std::string_view name(state s) {
    switch (s) {
    case state::requested: return "requested";
    case state::building: return "building";
    case state::open: return "open";
    case state::done: return "done";
    case state::refused: return "refused";
    case state::cancelled: return "cancelled";
    }
    return "";
}

std::optional<state> parse_state(std::string_view word) {
    for (state s : all_states)
        if (name(s) == word) return s;
    return std::nullopt;
}

std::string_view name(event e) {
    switch (e) {
    case event::build_begun: return "build_begun";
    case event::built: return "built";
    case event::refused: return "refused";
    case event::resent: return "resent";
    case event::finished: return "finished";
    case event::cancel_wanted: return "cancel_wanted";
    case event::cancel_finished: return "cancel_finished";
    }
    return "";
}

bool has_ended(state s) {
    return s == state::done || s == state::refused || s == state::cancelled;
}

effect next_effect(state s) {
    switch (s) {
    case state::requested:
    case state::building: return effect::build;
    case state::open: return effect::settle;
    case state::done:
    case state::refused:
    case state::cancelled: return effect::none;
    }
    return effect::none;
}

result<state> apply(state s, event e) {
    if (const auto to = next(s, e)) return *to;
    return error{errc::illegal_transition,
                 fmt::format("a run that is {} does not accept {}", name(s), name(e))};
}

} // namespace enrichd::run
