// SPDX-License-Identifier: Apache-2.0
#include "tests/support/target_contract.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/need_sql.hpp"
#include "core/sha256.hpp"
#include "tests/support/await.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/need_cases.hpp"

namespace enrichd::tests {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view model = "gpt-4o-mini";

text_hash hash_of(std::string_view title, std::string_view text) {
    return sha256().update(title).update("\0"sv).update(text).finish();
}

std::string version_of(std::string_view word) {
    if (word == "wanted") return summary_of().version;
    if (word == "legacy") return "gpt-4o-mini-v1";
    if (word == "other legacy") return "gpt-5-v1";
    return "gpt-4o-mini-ffffffffffff";
}

void set_state(target_world& w, const need_case& c) {
    const auto hash = c.hash == "same" ? hash_of(title_of_all, "the text") : hash_of("", "another text");
    w.exec(fmt::format("UPDATE events SET summary_en = {}, summary_version = {}, summary_source_hash = {}",
                       c.has_value ? "'a summary'" : "NULL",
                       c.version.empty() ? "NULL" : quote_literal(version_of(c.version)),
                       c.hash.empty() ? "NULL" : w.bytes(hash)));
}

std::vector<std::string> keys(const std::vector<source_row>& rows) {
    std::vector<std::string> out;
    for (const auto& row : rows)
        out.push_back(row.key);
    return out;
}

target::merge_slice slice_of(std::vector<target::merge_row> rows, std::int64_t number = 1) {
    return {.submission = "s1", .number = number, .want = summary_of(), .rows = std::move(rows)};
}

} // namespace

target::wanted summary_of(std::string_view version) {
    return {.kind = kind::summaries, .model = std::string(model), .version = std::string(version)};
}

target::merge_row summary_row(std::string_view key, std::string_view text, std::string_view summary) {
    return {std::string(key), hash_of(title_of_all, text), std::string(summary)};
}

void target_world::add(std::string_view key, std::string_view text, std::string_view date,
                       std::string_view authority) {
    exec(fmt::format(
        "INSERT INTO events (event_id, title, pub_date, authority, event_hash) VALUES ({0}, {1}, {2}, "
        "{3}, {0})",
        quote_literal(key), quote_literal(title_of_all), date.empty() ? "NULL" : quote_literal(date),
        authority.empty() ? "NULL" : quote_literal(authority)));
    if (!text.empty())
        exec(fmt::format("INSERT INTO documents (document_id, event_id, clean_text) VALUES ({}, {}, {})",
                         quote_literal(fmt::format("d-{}", key)), quote_literal(key), quote_literal(text)));
}

std::vector<source_row> target_world::select(target::selection s) {
    auto stream = await(loop(), db().read(std::move(s)));
    INFO((stream ? "" : stream.error().detail));
    REQUIRE(stream.has_value());
    std::vector<source_row> all;
    while (true) {
        auto rows = await(loop(), (*stream)->next());
        INFO((rows ? "" : rows.error().detail));
        REQUIRE(rows.has_value());
        if (rows->empty()) return all;
        std::ranges::move(*rows, std::back_inserter(all));
    }
}

target::merge_reply target_world::merge(target::merge_slice slice) {
    auto reply = await(loop(), db().merge(std::move(slice)));
    INFO((reply ? "" : reply.error().detail));
    REQUIRE(reply.has_value());
    return *reply;
}

void every_need_is_told(target_world& w) {
    w.add("k", "the text");
    std::int64_t number = 0;
    for (const auto& c : need_cases()) {
        CAPTURE(c.name);
        set_state(w, c);
        auto want = summary_of();
        want.refresh_legacy = c.refresh_legacy;
        want.keep_versions = c.keep_versions;
        const auto rows = w.select({.want = want});
        REQUIRE(rows.size() == 1);
        CHECK(name(rows[0].why) == name(c.expected));
        CHECK(rows[0].text.has_value() == needs_work(c.expected));
        // The merge decides alike.
        auto slice = slice_of({summary_row("k", "the text", "new")}, ++number);
        slice.want = want;
        CHECK(name(w.merge(slice).rows[0].how) ==
              name(needs_work(c.expected) ? outcome::ok : outcome::skipped));
        CHECK((w.one("SELECT summary_en FROM events") == "new") == needs_work(c.expected));
    }
}

void only_rows_that_need_work_carry_text(target_world& w) {
    w.add("done", "the text");
    w.merge(slice_of({summary_row("done", "the text", "a summary")}));
    w.add("open", "another text");
    const auto rows = w.select({.want = summary_of()});
    REQUIRE(keys(rows) == std::vector<std::string>{"done", "open"});
    CHECK(rows[0].why == need::done);
    CHECK_FALSE(rows[0].text);
    CHECK(rows[0].title.empty());
    CHECK(rows[0].authority == "MAS");
    CHECK(rows[0].date_ms == 1756684800000);
    CHECK(rows[1].why == need::value);
    CHECK(rows[1].title == title_of_all);
    CHECK(rows[1].text == "another text");
}

void rows_come_in_order_and_filtered(target_world& w) {
    w.add("b", "t", "2025-09-02", "MAS");
    w.add("a", "t", "2025-09-02", "BOT");
    w.add("c", "t", "2025-09-03", "");
    w.add("e", "t", "", "BOT");
    w.add("d", "t", "", "MAS");
    w.add("f", "t", "2025-08-31", "O'Hara");
    using names = std::vector<std::string>;
    CHECK(keys(w.select({.want = summary_of()})) == names{"c", "a", "b", "f", "d", "e"});
    CHECK(keys(w.select({.want = summary_of(), .since_ms = 1756684800000})) == names{"c", "a", "b"});
    CHECK(keys(w.select({.want = summary_of(), .authorities = {"BOT"}})) == names{"a", "e"});
    CHECK(keys(w.select({.want = summary_of(), .authorities = {"BOT", "O'Hara"}})) == names{"a", "f", "e"});
    CHECK(
        keys(w.select({.want = summary_of(), .since_ms = 1756684800000, .authorities = {"O'Hara"}})).empty());
}

void documents_are_joined(target_world& w) {
    w.add("k", "");
    CHECK_FALSE(w.select({.want = summary_of()})[0].text);
    const auto document = [&](std::string_view id, std::string_view text) {
        w.exec(fmt::format("INSERT INTO documents (document_id, event_id, clean_text) VALUES ({}, 'k', {})",
                           quote_literal(id), text));
    };
    document("d3", "'third'");
    document("d1", "'first'");
    document("d2", "''");
    document("d4", "NULL");
    w.add("other", "not mine", "2020-01-01");
    const auto rows = w.select({.want = summary_of()});
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].text == "first\n\nthird");
    CHECK(w.merge(slice_of({summary_row("k", "first\n\nthird", "new")})).rows[0].how == outcome::ok);
    document("d5", "'fifth'");
    CHECK(w.select({.want = summary_of()})[0].why == need::text_changed);
}

config with_text_column() {
    config c;
    c.source.text_column = "Body";
    return c;
}

void a_column_of_the_table_is_the_text(target_world& w) {
    w.add("k", "");
    w.add("none", "", "2025-08-01");
    w.add("empty", "", "2025-07-01");
    w.exec("UPDATE events SET \"Body\" = 'the text' WHERE event_id = 'k'");
    w.exec("UPDATE events SET \"Body\" = '' WHERE event_id = 'empty'");
    const auto rows = w.select({.want = summary_of()});
    REQUIRE(keys(rows) == std::vector<std::string>{"k", "none", "empty"});
    CHECK(rows[0].text == "the text");
    CHECK(rows[0].title == title_of_all);
    CHECK(rows[0].authority == "MAS");
    CHECK_FALSE(rows[1].text);
    CHECK_FALSE(rows[2].text);
    const auto merged =
        w.merge(slice_of({summary_row("k", "the text", "new"), summary_row("none", "", "title")}));
    CHECK(name(merged.rows[0].how) == name(outcome::ok));
    CHECK(name(merged.rows[1].how) == name(outcome::ok));
    CHECK(w.select({.want = summary_of()})[0].why == need::done);
    w.exec("UPDATE events SET \"Body\" = 'another text' WHERE event_id = 'k'");
    CHECK(w.select({.want = summary_of()})[0].why == need::text_changed);
    const auto late = w.merge(slice_of({summary_row("k", "the text", "newer")}, 2));
    CHECK(name(late.rows[0].how) == name(outcome::stale));
}

void each_row_ends_as_it_should(target_world& w) {
    for (const auto key : {"ok", "stale", "gone", "done", "untouched"})
        w.add(key, "the text");
    w.merge(slice_of({summary_row("done", "the text", "first")}));
    w.exec("UPDATE documents SET clean_text = 'edited' WHERE event_id = 'stale'");
    w.exec("DELETE FROM documents WHERE event_id = 'gone'");
    w.exec("DELETE FROM events WHERE event_id = 'gone'");
    std::vector<target::merge_row> rows;
    for (const auto key : {"stale", "ok", "gone", "done", "never there", "ok"})
        rows.push_back(summary_row(key, "the text", "second"));
    const auto reply = w.merge(slice_of(rows, 2));
    CHECK_FALSE(reply.replayed);
    REQUIRE(reply.rows.size() == 6);
    const outcome expected[] = {outcome::stale,   outcome::ok,   outcome::gone,
                                outcome::skipped, outcome::gone, outcome::skipped};
    for (std::size_t i = 0; i < 6; ++i) {
        CAPTURE(rows[i].key, reply.rows[i].reason);
        CHECK(name(reply.rows[i].how) == name(expected[i]));
        CHECK(reply.rows[i].reason.empty() == (expected[i] == outcome::ok));
    }
    CHECK(w.one("SELECT count(*) FROM events WHERE summary_en = 'second'") == "1");
    CHECK(w.one("SELECT summary_model FROM events WHERE event_id = 'ok'") == model);
    CHECK(w.one("SELECT summary_version FROM events WHERE event_id = 'ok'") == summary_of().version);
    CHECK(w.one("SELECT count(*) FROM events WHERE event_id = 'ok' AND summary_ts IS NOT NULL") == "1");
    CHECK(w.one("SELECT count(*) FROM events WHERE event_id = 'ok' AND summary_source_hash = " +
                w.bytes(rows[1].hash)) == "1");
    CHECK(w.one("SELECT summary_en FROM events WHERE event_id = 'done'") == "first");
}

void a_slice_that_comes_again_changes_nothing(target_world& w) {
    w.add("a", "text a");
    w.add("b", "text b");
    const auto slice = slice_of({summary_row("a", "text a", "one"), summary_row("b", "text a", "two"),
                                 summary_row("c", "", "three")});
    const auto first = w.merge(slice);
    w.exec("UPDATE events SET summary_en = 'written by hand', summary_version = NULL");
    const auto again = w.merge(slice);
    CHECK(again.replayed);
    REQUIRE(again.rows.size() == first.rows.size());
    for (std::size_t i = 0; i < first.rows.size(); ++i) {
        CHECK(again.rows[i].how == first.rows[i].how);
        CHECK(again.rows[i].reason == first.rows[i].reason);
    }
    CHECK(w.one("SELECT summary_en FROM events WHERE event_id = 'a'") == "written by hand");
    auto next = slice;
    next.number = 2;
    CHECK_FALSE(w.merge(next).replayed);
}

void selection_and_merge_agree(target_world& w) {
    const std::string_view states[] = {"summary_en = NULL", "summary_en = 'x'",
                                       "summary_en = 'x', summary_version = 'gpt-4o-mini-v1'",
                                       "summary_en = 'x', summary_version = 'other'",
                                       "summary_en = NULL, summary_version = 'gpt-4o-mini-v1'"};
    w.exec("BEGIN");
    for (int i = 0; i < 300; ++i) {
        w.add(fmt::format("key {:03}", i), fmt::format("text {} \xE0\xB8\x81", i),
              i % 7 == 0 ? "" : "2025-09-01");
        w.exec(fmt::format("UPDATE events SET {} WHERE event_id = 'key {:03}'",
                           states[static_cast<std::size_t>(i) % 5], i));
    }
    w.exec("COMMIT");
    std::vector<target::merge_row> rows;
    for (const auto& row : w.select({.want = summary_of()}))
        if (needs_work(row.why)) rows.push_back({row.key, hash_of(row.title, *row.text), "new"});
    CHECK(rows.size() == 240);
    for (const auto& row : w.merge(slice_of(rows)).rows)
        CHECK(name(row.how) == name(outcome::ok));
    CHECK(std::ranges::none_of(w.select({.want = summary_of()}),
                               [](const auto& r) { return needs_work(r.why); }));
}

void a_rejected_value_costs_its_row_alone(target_world& w) {
    std::vector<target::merge_row> rows;
    for (int i = 0; i < 30; ++i) {
        w.add(fmt::format("k{}", i), "the text");
        rows.push_back(summary_row(fmt::format("k{}", i), "the text", "fine"));
    }
    w.exec("CREATE UNIQUE INDEX no_twins ON events (summary_en) WHERE summary_en = 'twin'");
    rows[3].value = std::string("zero \0 byte", 11);
    rows[7].value = "twin";
    rows[8].value = "twin";
    const auto reply = w.merge(slice_of(rows));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CAPTURE(i, reply.rows[i].reason);
        CHECK((reply.rows[i].how == outcome::ok) == (i != 3 && i != 8));
    }
    CHECK(reply.rows[3].how == outcome::invalid);
    CHECK(reply.rows[8].how == outcome::invalid);
    CHECK_FALSE(reply.rows[8].reason.empty());
    CHECK(w.one("SELECT count(*) FROM events WHERE summary_en IS NOT NULL") == "28");
}

} // namespace enrichd::tests
