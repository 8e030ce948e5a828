// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/postgres_world.hpp"

using namespace enrichd::tests;

TEST_CASE("PostgreSQL: every case of need is told, and merged alike", "[target][postgres]") {
    every_need_is_told(postgres_world().migrated());
}
TEST_CASE("PostgreSQL: only rows that need work carry text", "[target][postgres]") {
    only_rows_that_need_work_carry_text(postgres_world().migrated());
}
TEST_CASE("PostgreSQL: rows come newest first, those without a date last, then by key",
          "[target][postgres]") {
    rows_come_in_order_and_filtered(postgres_world().migrated());
}
TEST_CASE("PostgreSQL: the documents of an event are one text", "[target][postgres]") {
    documents_are_joined(postgres_world().migrated());
}
TEST_CASE("PostgreSQL: without documents, a column of the table is the text", "[target][postgres]") {
    postgres_world w(
        "CREATE TABLE events (event_id text PRIMARY KEY, authority text, event_hash text, title text, "
        "pub_date date, embedding vector(3), \"Body\" varchar)",
        with_text_column());
    a_column_of_the_table_is_the_text(w.migrated());
}
TEST_CASE("PostgreSQL: each row of a slice ends as it should", "[target][postgres]") {
    each_row_ends_as_it_should(postgres_world().migrated());
}
TEST_CASE("PostgreSQL: a slice that comes again changes nothing", "[target][postgres]") {
    a_slice_that_comes_again_changes_nothing(postgres_world().migrated());
}
TEST_CASE("PostgreSQL: what selection wants, merge writes, and then nothing is left", "[target][postgres]") {
    selection_and_merge_agree(postgres_world().migrated());
}
TEST_CASE("PostgreSQL: a value that is refused costs its row alone", "[target][postgres]") {
    a_rejected_value_costs_its_row_alone(postgres_world().migrated());
}
