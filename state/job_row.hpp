// Jobs and runs as the ledger keeps them, and the form of a state in a column.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/batch_request.hpp"
#include "core/error.hpp"
#include "core/job.hpp"
#include "core/kind.hpp"
#include "core/money.hpp"
#include "core/outcome.hpp"
#include "core/run.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd {

/// When something is tried next, and why not now.
struct waiting {
    std::optional<std::int64_t> due_ms; ///< absent: a person, or another's end, moves it on
    std::int64_t failures = 0;          ///< turns in a row that could not do their effect
    std::string reason;                 ///< why it waits; empty if it does not
    std::optional<errc> cause = {};     ///< what kind of obstacle stopped the last turn; absent: none did
    std::map<std::string, std::int64_t> signs = {}; ///< how many of the last failures bore which error::sign

    /// How many bore this sign, since the last failure that bore none.
    std::int64_t times_seen(const std::string& sign) const;
};

/// With those of one more failure. Without a sign it is an outage: what was told around it is no proof.
std::map<std::string, std::int64_t> with_sign(std::map<std::string, std::int64_t> signs,
                                              const std::string& sign);

struct run_row {
    std::int64_t id = 0;
    run::state state = run::state::requested;
    job::goal until = job::goal::merged;
    std::string order_json;
    money limit;
    bool cancel_wanted = false;
    std::string summary_json = "{}";
    std::string detail;
    enrichd::waiting waiting;
    std::int64_t created_ms = 0;
    std::int64_t changed_ms = 0;
    std::optional<std::int64_t> ended_ms;
};

/// What is known of a job when it is built.
struct job_plan {
    std::int64_t run_id = 0;
    enrichd::kind kind{};
    std::int64_t attempt = 1; ///< 1, or more where it resends what failed before
    std::string target;
    std::string model;
    std::string version;
    bool refresh_legacy = false;
    bool keep_versions = false;
    std::uint32_t dimensions = 0;
    std::string window = "24h";
    std::string file_name; ///< under batch/ in the state directory
    std::string file_sha256;
    file_totals totals;
    std::uint64_t row_count = 0;
    std::uint64_t max_line_bytes = 0;
    token_price price;
};

/// How many requests of a batch are done, as the provider counts.
struct batch_counts {
    std::int64_t total = 0;
    std::int64_t completed = 0;
    std::int64_t failed = 0;

    bool operator==(const batch_counts&) const = default;
};

struct job_row {
    std::int64_t id = 0;
    std::string mark; ///< eight hex digits by chance: a ledger put back from a copy gives ids out again
    job_plan plan;
    token_usage used;
    money actual;
    job::state state;
    job::wishes wishes;
    std::int64_t revision = 0;
    std::int64_t submissions = 0;
    bool maybe_duplicate = false; ///< a submission was sent again though its first batch may exist
    enrichd::waiting waiting;
    std::optional<std::int64_t> waiting_since_ms;
    std::optional<std::string> batch_id;
    std::string ended_as;
    std::optional<batch_counts> counts; ///< as the provider last told them
    std::int64_t strays = 0;
    std::int64_t created_ms = 0;
    std::int64_t changed_ms = 0;
    std::optional<std::int64_t> ended_ms;
};

/// "12" and "r5": the form of ids for people, journal and JSON; no job is taken for a run.
std::string job_name(std::int64_t id);
std::string run_name(std::int64_t id);
/// The reverse; absent for anything else.
std::optional<std::int64_t> parse_job_name(std::string_view text);
std::optional<std::int64_t> parse_run_name(std::string_view text);

/// The cause's word for its column, absent where there is none; and the reverse.
std::optional<std::string_view> cause_word(const waiting& w);
std::optional<errc> parse_cause(const std::optional<std::string>& word);

std::string_view name(job::goal g);
std::optional<job::goal> parse_goal(std::string_view word);
std::string_view name(job::cancel_reason r);
std::optional<job::cancel_reason> parse_cancel_reason(std::string_view word);

/// The signs as JSON, for their column, and the reverse. What cannot be read counts as none.
std::string signs_word(const waiting& w);
std::map<std::string, std::int64_t> parse_signs(const std::string& word);

/// The fields of a state as JSON, for the column beside its name.
std::string state_fields(const job::state& s);
/// The reverse. Errors: internal, if the row cannot be a state that this program knows.
result<job::state> read_state(std::string_view name, std::string_view fields);

} // namespace enrichd
