// SPDX-License-Identifier: Apache-2.0
#include "core/control_errors.hpp"

namespace enrichd {

namespace {

struct error_row {
    errc code;
    std::string_view word;
    int status;
    exit_code exit;
    std::string_view hint;
};

// The table of docs/control-protocol.md, which a test compares with this one.
constexpr error_row error_rows[] = {
    {errc::invalid_input, "invalid_input", 400, exit_code::usage, ""},
    {errc::over_budget, "over_budget", 402, exit_code::over_budget,
     "take fewer rows (--limit, --since), or raise ENRICH_MAX_USD_FULL"},
    {errc::not_permitted, "not_permitted", 403, exit_code::not_permitted,
     "join the group enrichd (usermod -aG enrichd USER, then log in again), or use sudo"},
    {errc::not_found, "not_found", 404, exit_code::no_such_job, "enrichctl jobs --all"},
    {errc::state_conflict, "state_conflict", 409, exit_code::state_conflict, ""},
    {errc::unknown_batches, "unknown_batches", 409, exit_code::state_conflict, "enrichctl adopt"},
    {errc::queue_full, "queue_full", 409, exit_code::state_conflict, "it goes on by itself"},
    {errc::lost_race, "lost_race", 409, exit_code::state_conflict, "look at it, and try again"},
    {errc::illegal_transition, "illegal_transition", 409, exit_code::state_conflict,
     "look at it, and try again"},
    {errc::internal, "internal", 500, exit_code::failed, "journalctl -u enrichd"},
    {errc::io, "io", 500, exit_code::failed, ""},
    {errc::provider_rejected, "provider_rejected", 502, exit_code::provider, ""},
    {errc::provider_unauthorized, "provider_unauthorized", 502, exit_code::provider,
     "put the right key where the daemon reads it ([provider] api_key_file, or its OPENAI_API_KEY), then: "
     "systemctl reload enrichd (or SIGHUP)"},
    {errc::provider_busy, "provider_busy", 502, exit_code::provider, "it is tried again by itself"},
    {errc::provider_ambiguous, "provider_ambiguous", 502, exit_code::provider, "it is reconciled by itself"},
    {errc::provider_invalid, "provider_invalid", 502, exit_code::provider, ""},
    {errc::target_unavailable, "target_unavailable", 502, exit_code::database, "it is tried again by itself"},
    {errc::target_blocked, "target_blocked", 502, exit_code::database, ""},
    {errc::target_invalid, "target_invalid", 502, exit_code::database, ""},
    {errc::unavailable, "unavailable", 503, exit_code::failed, "try again in a while"},
    {errc::cancelled, "cancelled", 503, exit_code::failed, "try again in a while"},
    {errc::disk_full, "disk_full", 507, exit_code::failed,
     "make room on the disk of the state directory; enrichd goes on by itself"},
    {errc::timed_out, "timed_out", 504, exit_code::failed, "try again in a while"},
};

// Total over errc: a code that is missing here would come out as internal.
constexpr const error_row& row_of(errc code) {
    for (const auto& row : error_rows)
        if (row.code == code) return row;
    return row_of(errc::internal);
}

} // namespace

std::string_view name(errc code) {
    return row_of(code).word;
}

std::optional<errc> parse_errc(std::string_view word) {
    for (const auto& row : error_rows)
        if (row.word == word) return row.code;
    return std::nullopt;
}

int http_status(errc code) {
    return row_of(code).status;
}

exit_code exit_code_of(errc code) {
    return row_of(code).exit;
}

std::string_view hint(errc code, std::string_view detail) {
    // Of all that may be wrong with a target, a migration adds columns and a table of ours; where that is it,
    // the message says so.
    if (code == errc::target_blocked && detail.ends_with("run: enrichctl migrate"))
        return "enrichctl migrate --plan";
    return row_of(code).hint;
}

std::string_view meaning(exit_code code) {
    switch (code) {
    case exit_code::ok: return "ok";
    case exit_code::failed: return "failed";
    case exit_code::usage: return "usage: an argument is wrong";
    case exit_code::rows_failed: return "finished, but some rows failed";
    case exit_code::unreachable: return "the daemon cannot be reached";
    case exit_code::not_permitted: return "not permitted";
    case exit_code::no_such_job: return "no such job";
    case exit_code::state_conflict: return "state conflict";
    case exit_code::over_budget: return "over budget";
    case exit_code::wait_timed_out: return "the wait timed out (--timeout)";
    case exit_code::provider: return "provider error";
    case exit_code::database: return "database error";
    case exit_code::interrupted: return "interrupted";
    }
    return "";
}

} // namespace enrichd
