// Errors at the control socket: their words, HTTP statuses and the exit codes of enrichctl.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <optional>
#include <string_view>

namespace enrichd {

/// The word in JSON: "state_conflict".
std::string_view name(errc code);
std::optional<errc> parse_errc(std::string_view word);

int http_status(errc code);

/// What enrichctl exits with. Stable: scripts depend on the numbers.
enum class exit_code {
    ok = 0,
    failed = 1,
    usage = 2,       ///< wrong arguments
    rows_failed = 3, ///< finished, but some rows got no value
    unreachable = 4, ///< no daemon answers at the socket
    not_permitted = 5,
    no_such_job = 6, ///< or run, batch, file
    state_conflict = 7,
    over_budget = 8,
    wait_timed_out = 9, ///< --timeout passed; the run goes on
    provider = 10,
    database = 11,
    interrupted = 130, ///< Ctrl-C; the run goes on
};

/// What an error that the daemon reports comes out as.
exit_code exit_code_of(errc code);

/// One line for help and documentation.
std::string_view meaning(exit_code code);

inline constexpr exit_code all_exit_codes[] = {
    exit_code::ok,          exit_code::failed,         exit_code::usage,       exit_code::rows_failed,
    exit_code::unreachable, exit_code::not_permitted,  exit_code::no_such_job, exit_code::state_conflict,
    exit_code::over_budget, exit_code::wait_timed_out, exit_code::provider,    exit_code::database,
    exit_code::interrupted,
};

/// A step that helps after such an error, where one can be named from its code and its words; else empty.
std::string_view hint(errc code, std::string_view detail = {});

} // namespace enrichd
