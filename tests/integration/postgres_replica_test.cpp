// Reading from a copy that is behind: [source] url.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "tests/support/await.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/postgres_world.hpp"

using namespace enrichd;
using namespace enrichd::target;
using namespace enrichd::tests;

namespace {

config reading_from(const postgres_world& copy) {
    config c;
    c.source.url = copy.url();
    return c;
}

std::map<std::string, source_row> by_key(std::vector<source_row> rows) {
    std::map<std::string, source_row> all;
    for (auto& row : rows)
        all.emplace(row.key, row);
    return all;
}

} // namespace

TEST_CASE("PostgreSQL: a replica that lags makes nobody pay twice", "[target][postgres]") {
    postgres_world copy;
    copy.migrated();
    postgres_world primary(original_schema, reading_from(copy));
    primary.migrated();
    for (auto* w : {&copy, &primary})
        for (const auto key : {"merged", "edited", "emptied", "deleted", "undone"})
            w->add(key, "the text");
    // What the copy does not know yet.
    const auto merged = primary.merge({"s", 1, summary_of(), {summary_row("merged", "the text", "short")}});
    REQUIRE(merged.rows[0].how == outcome::ok);
    primary.exec("UPDATE documents SET clean_text = 'another text' WHERE event_id = 'edited';"
                 "DELETE FROM documents WHERE event_id IN ('emptied', 'deleted');"
                 "DELETE FROM events WHERE event_id = 'deleted'");

    const auto rows = by_key(primary.select({.want = summary_of()}));
    CHECK(rows.size() == 4);
    CHECK(rows.at("merged").why == need::done);
    CHECK_FALSE(rows.at("merged").text);
    CHECK(rows.at("undone").why == need::value);
    CHECK(rows.at("undone").text == "the text");
    CHECK(rows.at("edited").text == "another text");
    CHECK(rows.at("edited").title == title_of_all);
    CHECK_FALSE(rows.at("emptied").text);

    // What is selected now can be merged.
    const auto second = primary.merge({"s",
                                       2,
                                       summary_of(),
                                       {summary_row("undone", *rows.at("undone").text, "x"),
                                        summary_row("edited", *rows.at("edited").text, "y")}});
    CHECK(second.rows[0].how == outcome::ok);
    CHECK(second.rows[1].how == outcome::ok);
}

TEST_CASE("PostgreSQL: a copy all of whose rows are done, or gone, at the primary yields nothing to do",
          "[target][postgres]") {
    postgres_world copy;
    copy.migrated();
    copy.exec(
        "INSERT INTO events (event_id, title) SELECT 'k' || i, 'A title' FROM generate_series(1, 1200) i");
    postgres_world primary(original_schema, reading_from(copy));
    primary.migrated();
    CHECK(primary.select({.want = summary_of()}).empty());
    primary.exec("INSERT INTO events (event_id, title, summary_en, summary_version) SELECT 'k' || i, 'A "
                 "title', 'x', '" +
                 summary_of().version + "' FROM generate_series(1, 1200) i");
    const auto rows = primary.select({.want = summary_of()});
    CHECK(rows.size() == 1200);
    CHECK(std::ranges::all_of(rows, [](const source_row& row) { return row.why == need::done; }));
}

TEST_CASE("PostgreSQL: a primary that is away stops the reading of its replica", "[target][postgres]") {
    postgres_world copy;
    copy.migrated();
    postgres_world primary(original_schema, reading_from(copy), "no_such_role");
    auto stream = await(primary.loop(), primary.db().read({.want = summary_of()}));
    CHECK(stream.has_error());
}
