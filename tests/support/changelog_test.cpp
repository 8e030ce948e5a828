// The reader of Debian changelogs, on texts written for it.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/changelog.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <set>

using namespace enrichd::tests;

namespace {

constexpr const char* two_entries = R"(lantern (2.1-3) unstable; urgency=medium

  * Trim the wick before lighting.
    It smoked otherwise.

  [ Ilse Brandt ]
  * Übersetzung erneuert.

 -- Ilse Brandt <ilse@example.org>  Mon, 27 Apr 2026 22:14:33 +0200

lantern (2.1-2) unstable; urgency=high

  * Do not explode (CVE-2026-9999).

 -- Ilse Brandt <ilse@example.org>  Sat, 28 Feb 2026 23:30:00 -0130
)";

changelog_entry entry(std::string package, std::string version, std::int64_t date, std::string body) {
    return {package, version, package + " (" + version + ") unstable; urgency=low", std::move(body), date};
}

} // namespace

TEST_CASE("a changelog is read entry by entry, newest first") {
    const auto entries = parse_changelog(two_entries);
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].package == "lantern");
    CHECK(entries[0].version == "2.1-3");
    CHECK(entries[0].title == "lantern (2.1-3) unstable; urgency=medium");
    CHECK(entries[0].body == "* Trim the wick before lighting.\n  It smoked otherwise.\n\n"
                             "[ Ilse Brandt ]\n* Übersetzung erneuert.");
    CHECK(entries[1].version == "2.1-2");
    CHECK(entries[1].body == "* Do not explode (CVE-2026-9999).");
}

TEST_CASE("the date of a changelog entry is turned to UTC") {
    const auto entries = parse_changelog(two_entries);
    REQUIRE(entries.size() == 2);
    CHECK(iso_time(entries[0].date_seconds) == "2026-04-27T20:14:33Z");
    CHECK(iso_time(entries[1].date_seconds) == "2026-03-01T01:00:00Z");
}

TEST_CASE("what is no changelog date is refused") {
    CHECK(parse_changelog_date("Thu, 01 Jan 1970 00:00:00 +0000") == 0);
    CHECK(parse_changelog_date("Thu,  1 Jan 1970 00:00:01 +0000") == 1);
    for (const char* wrong :
         {"", "today", "Mon, 31 Feb 2026 00:00:00 +0000", "Mon, 27 Avr 2026 22:14:33 +0200",
          "Mon, 27 Apr 2026 24:14:33 +0200", "Mon, 27 Apr 2026 22:14:33"}) {
        CAPTURE(wrong);
        CHECK(parse_changelog_date(wrong) == -1);
    }
}

TEST_CASE("text that is no Debian changelog yields no entries") {
    CHECK(parse_changelog("").empty());
    CHECK(parse_changelog("Version 2.1\n===========\n\n * (fixed) everything\n").empty());
    CHECK(
        parse_changelog("2026-04-27  Ilse Brandt  <ilse@example.org>\n\n\t* wick.c (trim): New.\n").empty());
}

TEST_CASE("reading stops where the format ends, and keeps what came before") {
    const auto entries = parse_changelog(std::string(two_entries) + "\nOld changes are in ChangeLog.old\n");
    CHECK(entries.size() == 2);
    CHECK(parse_changelog("lantern (1) unstable; urgency=low\n\n  * Cut off he").empty());
}

TEST_CASE("bytes that are not UTF-8 are read as Latin-1, and UTF-8 stays") {
    const std::string text =
        "lantern (1) unstable; urgency=low\n\n  * Andr\xE9 and Jos\xC3\xA9, 50 \xE2\x82\xAC.\n"
        "\n -- Andr\xE9 <a@example.org>  Mon, 27 Apr 1998 22:14:33 +0200\n";
    const auto entries = parse_changelog(text);
    REQUIRE(entries.size() == 1);
    CHECK(entries[0].body == "* André and José, 50 €.");
}

TEST_CASE("picking takes the newest, each version once, and some of every sort") {
    std::vector<changelog_entry> entries;
    for (int i = 0; i < 100; ++i) {
        const std::string body(100 + static_cast<std::size_t>(i), 'x');
        entries.push_back(entry("plain", std::to_string(i), 1000 + i, body));
        entries.push_back(entries.back());
    }
    entries.push_back(entry("odd", "long", 1, std::string(9000, 'x')));
    entries.push_back(entry("odd", "short", 2, "* Rebuild."));
    entries.push_back(entry("odd", "umlaut", 3, std::string(80, 'x') + "ü"));
    entries.push_back(entry("odd", "cve", 4, std::string(80, 'x') + "CVE-2026-9999"));

    const auto picked = pick_entries(entries, 40);
    REQUIRE(picked.size() == 40);
    std::set<std::string> versions;
    for (const auto& e : picked)
        versions.insert(e.version);
    CHECK(versions.size() == 40);
    for (const char* version : {"long", "short", "umlaut", "cve", "99", "64"})
        CHECK(versions.contains(version));
    CHECK_FALSE(versions.contains("63"));
    CHECK(std::ranges::is_sorted(picked, std::ranges::greater{}, &changelog_entry::date_seconds));
}

TEST_CASE("the order in which files were read does not change the choice") {
    auto entries = parse_changelog(two_entries);
    entries.push_back(entry("wick", "2.1-2", entries[1].date_seconds, "* Same second, another package."));
    auto turned = entries;
    std::ranges::reverse(turned);
    const auto a = pick_entries(entries, 2), b = pick_entries(turned, 2);
    REQUIRE(a.size() == 2);
    REQUIRE(b.size() == 2);
    CHECK((a[0].title == b[0].title && a[1].title == b[1].title));
    CHECK(whole_changelog(entries, 1000).body == whole_changelog(turned, 1000).body);
}

TEST_CASE("a whole changelog holds the newest entries that fit, of the package that comes nearest") {
    const auto entries = parse_changelog(two_entries);
    const auto all = whole_changelog(entries, 1000);
    CHECK(all.package == "lantern");
    CHECK(all.version == "whole");
    CHECK(all.title == "lantern: all changes up to version 2.1-3");
    CHECK(all.body ==
          entries[0].title + "\n\n" + entries[0].body + "\n\n" + entries[1].title + "\n\n" + entries[1].body);
    const auto one = whole_changelog(entries, all.body.size() - 1);
    CHECK(one.body == entries[0].title + "\n\n" + entries[0].body);
    CHECK(whole_changelog({}, 1000).body.empty());
}
