// A row of the user's database as the source yields it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace enrichd {

/// SHA-256 of a row's raw source bytes: title, one zero byte, text; a missing one counts as empty.
/// Taken before any cutting or replacement, so that both databases can compute the same in SQL.
using text_hash = std::array<std::byte, 32>;

/// Why a row is, or is not, in need of work (semantics in docs/architecture.md, "Need").
enum class need {
    done,    ///< the value is there, of the wanted version, for the current text
    legacy,  ///< done by the original module (version "<model>-v1"); counts as done unless asked otherwise
    kept,    ///< another version, and the configuration keeps those
    value,   ///< the value is missing
    version, ///< the value has another version
    text_changed, ///< the value was made from another text
};

/// True for value, version and text_changed, and for legacy where the run asked for it (then it reads
/// `version`).
constexpr bool needs_work(need n) {
    return n == need::value || n == need::version || n == need::text_changed;
}

struct source_row {
    std::string key;                     ///< the target's key, in the database's text form of its type
    std::string authority;               ///< may be empty
    std::optional<std::int64_t> date_ms; ///< UTC milliseconds; rows without a date come last
    std::string title;                   ///< raw bytes; empty if missing
    std::optional<std::string> text; ///< raw bytes; absent if the row has none. Only read where needs_work()
    need why = need::done;
};

} // namespace enrichd
