// The paths of the control socket. docs/control-protocol.md describes each.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace enrichd {

/// Every call; the server has a handler for each.
enum class route_id {
    version,
    status,
    jobs,
    job,
    job_events,
    request_file,
    run,
    run_events,
    report,
    budget,
    bookings,
    quarantine,
    ledger,
    verification,
    adoptable,
    migration_plan,
    plan,
    start_run,
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
    release,
    adopt,
    migrate,
};

/// What a peer must be allowed.
enum class access {
    look,    ///< everybody
    operate, ///< root, the daemon's own user, members of the group enrichd
};

struct route {
    route_id id;
    std::string_view method;
    std::string_view path; ///< "{id}" stands for one segment
    access needs;
};

std::span<const route> routes();
const route& find_route(route_id id);

/// A route that fits, with what stood at {id}.
struct matched_route {
    const route* which;
    std::string id;
};
enum class no_route { path, method };

/// Takes a decoded path.
std::variant<matched_route, no_route> match_route(std::string_view method, std::string_view path);

/// The methods that a path takes, for the field Allow: "GET, POST"; empty for an unknown path.
std::string methods_of(std::string_view path);

/// The parameters that a query of this call may have.
std::span<const std::string_view> parameters_of(route_id id);

/// RFC 3986: everything but letters, digits and -._~ as %XX.
std::string percent_encode(std::string_view text);

/// The path of a request, with the id percent-encoded.
std::string target_of(route_id id, std::string_view segment = {});

} // namespace enrichd
