// The one error type: a code to branch on, a text to print.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/system/result.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace enrichd {

/// What went wrong, as far as a caller may want to act on it. Everything else is in error::detail.
enum class errc {
    invalid_input,      ///< the caller gave something unusable; detail names the place and the fix
    not_found,          ///< no such job, run, batch, file
    state_conflict,     ///< it exists, but is not in a state that allows this
    lost_race,          ///< the ledger row changed since it was read
    illegal_transition, ///< apply(): this state does not accept this event
    over_budget,        ///< the projection passes the limit; nothing was written or sent
    not_permitted,      ///< the peer may look, not operate
    unavailable,        ///< draining, or held by another: try again later
    queue_full,         ///< the provider's queue has no room for another batch: a job waits for it
    unknown_batches,    ///< the provider has batches that the ledger does not know: nothing new is bought

    provider_rejected,     ///< a clean refusal (4xx): the call had no effect and repeating it will not help
    provider_unauthorized, ///< 401 or 403: the key is wrong, or may not do this
    provider_busy,         ///< 429 or a quota: no effect; repeat after retry_after
    provider_ambiguous,    ///< we do not know whether the call had an effect (reset, timeout, 5xx, bad reply)
    provider_invalid,      ///< a reply that was read completely, and cannot be understood

    target_unavailable, ///< the database cannot be reached now, or asks to try again
    target_blocked,     ///< a person must act first: permission, missing column, wrong type
    target_invalid,     ///< one row's value was not accepted; other rows are not concerned

    disk_full, ///< no room for what has to be written; nothing half-made was left
    io,        ///< a file could not be read or written
    timed_out, ///< a deadline passed
    cancelled, ///< we are shutting down, or the caller went away; never logged as an error
    internal,  ///< a bug of ours, reported rather than crashed upon
};

/// True where trying again alone will not help: a key, a right, a column, room on a disk.
constexpr bool needs_person(errc code) {
    return code == errc::provider_unauthorized || code == errc::target_blocked || code == errc::io ||
           code == errc::disk_full || code == errc::internal || code == errc::unknown_batches;
}

struct error {
    errc code{};
    std::string detail;                                        ///< for people; never holds a secret
    std::optional<std::chrono::milliseconds> retry_after = {}; ///< what the server asked us to wait
    std::string sign = {}; ///< what it shows if it comes again and again, "gone file-1"; empty: nothing
};

template <class T = void>
using result = boost::system::result<T, error>;

/// The error as it is thrown by result::value(), and for what cannot be gone on from (broken configuration,
/// a ledger that does not open).
class fatal_error : public std::runtime_error {
public:
    explicit fatal_error(error e) : std::runtime_error(e.detail), error_(std::move(e)) {}
    fatal_error(errc code, std::string detail) : fatal_error(error{code, std::move(detail)}) {}

    const error& what_error() const noexcept { return error_; }

private:
    error error_;
};

/// Found by boost::system::result through argument-dependent lookup.
[[noreturn]] inline void throw_exception_from_error(const error& e, const boost::source_location&) {
    throw fatal_error(e);
}

} // namespace enrichd
