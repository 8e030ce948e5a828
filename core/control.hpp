// The commands of enrichctl as data: their flags, what these take, which call they make, and their help.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/control_routes.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd {

/// A flag is of the same kind in every command that has it; meaning_of() says what it does in one.
enum class flag_id {
    mode,
    automatic,
    kind,
    since,
    limit,
    budget,
    profile,
    authorities,
    refresh,
    wait,
    no_wait,
    timeout,
    out,
    input,
    batch_id,
    run,
    all,
    plan,
    encoding,
    model,
    jsonl,
    abandon,
    adopt,
    resubmit,
    leave,
    csv,
};

struct flag {
    flag_id id;
    std::string_view name;    ///< "--kind"
    std::string_view value;   ///< what it takes, "KIND"; empty: nothing
    std::string_view meaning; ///< in general, for help
};

enum class command_id {
    run,
    plan,
    status,
    jobs,
    job,
    build,
    submit,
    poll,
    merge,
    cancel,
    discard,
    retry,
    resolve,
    pause,
    resume,
    quarantine_list,
    quarantine_release,
    adopt,
    report,
    budget,
    migrate,
    backup,
    verify,
    tokens,
    version,
};

/// What may stand without a flag.
struct operand {
    std::string_view name; ///< "JOB"; empty: nothing may
    std::string_view meaning = {};
    bool required = false;
    bool several = false;
};

struct command {
    command_id id;
    std::string_view name;    ///< "build", "quarantine list"
    std::string_view summary; ///< one line
    operand takes;
    std::vector<flag_id> flags;
    std::vector<flag_id> required;
    std::optional<route_id> calls; ///< its first call; none for commands without a daemon
    std::string_view example;      ///< a whole command line
};

std::span<const flag> flags();
const flag& find_flag(flag_id id);
std::span<const command> commands();
const command& find_command(command_id id);

/// What a flag means in this command.
std::string_view meaning_of(const command& c, flag_id id);

/// True if only operators may run it.
bool needs_operator(const command& c);

/// What is wrong with a flag's value, as "expected ..., got ...", or nothing. The daemon checks the same
/// again.
std::optional<std::string> complaint_about(flag_id id, const std::string& value);

/// "90", "90s", "5m", "26h", "2d": seconds.
std::optional<double> parse_duration(std::string_view text);

/// "A,B" into its parts, blanks around them gone, empty ones left out.
std::vector<std::string> split_list(std::string_view text);

} // namespace enrichd
