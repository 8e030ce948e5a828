// The target: the user's database, of which rows are read and into which values are merged.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "core/kind.hpp"
#include "core/outcome.hpp"
#include "core/source_row.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace enrichd::target {

template <class T>
using awaitable = boost::asio::awaitable<T>;

/// What a value must be for a row to be done. Selection and merge take the same one, and decide by the same
/// SQL.
struct wanted {
    enrichd::kind kind{};
    std::string model;           ///< the configured name; "<model>-v1" is the original module's version of it
    std::string version;         ///< the fingerprint
    bool refresh_legacy = false; ///< rows of the original module need work too
    bool keep_versions =
        false; ///< on_version_change = "keep": only missing values and changed texts need work
};

struct selection {
    wanted want;
    std::optional<std::int64_t> since_ms = {}; ///< date >= since; rows without a date are excluded then
    std::vector<std::string> authorities = {}; ///< empty: all
};

/// Rows in order: newest first, rows without a date last, then by key. One at a time is open per target.
class row_stream {
public:
    virtual ~row_stream() = default;
    /// Some hundred rows or about a megabyte of text; empty at the end. Rows that are done come too (key,
    /// authority, date and `why` only), so that they can be counted.
    virtual awaitable<result<std::vector<source_row>>> next() = 0;
};

struct merge_row {
    std::string key;
    text_hash hash{};                                    ///< of the text that was sent
    std::variant<std::string, std::vector<float>> value; ///< a summary, or an embedding
};

/// One transaction's worth. (submission, number) is its idempotency key: the target keeps a log row for it.
struct merge_slice {
    std::string submission;
    std::int64_t number = 0;
    wanted want; ///< model and version are the job's own, never the configuration's of today
    std::vector<merge_row> rows;
    std::uint32_t dimensions = 0; ///< that were asked of every vector in it; 0: of summaries, or not told
};

/// How one row ended: ok, skipped (done already), stale (its text changed), gone (deleted), invalid (the
/// database refused this value: reason says why). Every row ends with one of them: asking again changes
/// nothing.
struct merged_row {
    outcome how = outcome::ok;
    std::string reason; ///< empty for ok
};

struct merge_reply {
    std::vector<merged_row> rows; ///< in the order of the slice
    bool replayed = false; ///< the slice had been committed before; these are the outcomes of that time
};

struct migration_step {
    std::string name; ///< "0001_enrichment_columns"
    std::string sql;
    bool applied = false;
    bool applied_now = false; ///< by this call of migrate(), not before
    std::string note; ///< why it cannot be applied, or what was found (duplicates listed, index invalid)
};

/// What the catalogue says of the columns of one kind.
struct column_report {
    bool ready = false;  ///< every column that a run needs is there
    std::string problem; ///< if not: which, and the fix ("run: enrichctl migrate")
    std::optional<std::uint32_t>
        dimensions;                    ///< of a vector(n) or halfvec(n) column; absent for arrays and BLOBs
    std::vector<std::string> warnings; ///< e.g. an HNSW index, which makes merges many times slower
};

/// Errors: target_unavailable (try again later), target_blocked (a person must act; detail says how),
/// target_invalid never leaves merge() (it is a row's outcome). Calls wait for each other: one merge at a
/// time; a row_stream and a migration have a connection of their own, where that keeps nobody waiting.
class database {
public:
    virtual ~database() = default;

    /// A name for this target that stays the same over restarts and says no secret, e.g.
    /// "postgresql:host/db/events".
    virtual std::string identity() const = 0;

    virtual awaitable<result<column_report>> inspect(enrichd::kind k) = 0;
    virtual awaitable<result<std::unique_ptr<row_stream>>> read(selection s) = 0;
    virtual awaitable<result<merge_reply>> merge(merge_slice slice) = 0;

    virtual awaitable<result<std::vector<migration_step>>> plan_migration() = 0;
    /// Applies what is missing; returns the steps as they stand afterwards, and which of them it applied.
    /// Safe to run twice.
    virtual awaitable<result<std::vector<migration_step>>> migrate() = 0;
};

} // namespace enrichd::target
