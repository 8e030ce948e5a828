// Debian changelogs as dated records of text: what the tests and the quickstart enrich.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd::tests {

/// One version of one source package. All text is valid UTF-8.
struct changelog_entry {
    std::string package;       ///< the source package
    std::string version;       ///< "whole" for a record made of many entries
    std::string title;         ///< the entry's first line, as it stands
    std::string body;          ///< without the indentation of two, and without the closing line
    std::int64_t date_seconds; ///< of the closing line, UTC
};

/// The entries of one file in the format of Debian Policy 4.4, newest first as written. Text of another
/// format yields none; reading stops at the first line that does not belong. Bytes that are not UTF-8 are
/// read as Latin-1, which is what the changelogs of the 1990s are written in.
std::vector<changelog_entry> parse_changelog(std::string_view text);

/// "Mon, 27 Apr 2026 22:14:33 +0200" as seconds since 1970; -1 if it is no such date.
std::int64_t parse_changelog_date(std::string_view text);

/// As many newest entries of one package as fit into `max_bytes`, made into one record with the newest
/// entry's date. Of all packages, the one that comes nearest; an empty body if `entries` is empty.
changelog_entry whole_changelog(const std::vector<changelog_entry>& entries, std::size_t max_bytes);

/// The newest `limit` entries, newest first, each version of a package once; of those, up to one in twenty
/// each is reserved for the newest that are long (from 8,000 bytes), short (below 60 bytes), not ASCII, and
/// about a CVE, so that every sort of text is among them. The choice depends on nothing but the entries.
std::vector<changelog_entry> pick_entries(std::vector<changelog_entry> entries, std::size_t limit);

/// "2026-04-27T20:14:33Z"
std::string iso_time(std::int64_t seconds);

} // namespace enrichd::tests
