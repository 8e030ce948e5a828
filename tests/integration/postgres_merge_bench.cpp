// How fast slices are merged, beside a loop of one UPDATE a row. Hidden: integration_tests "[bench]" runs it.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <chrono>

#include "tests/support/await.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/postgres_world.hpp"

using namespace enrichd;
using namespace enrichd::target;
using namespace enrichd::tests;

namespace {

constexpr int row_count = 5000;
constexpr int slice_rows = 1000;

template <class F>
double seconds(F f) {
    const auto start = std::chrono::steady_clock::now();
    f();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::vector<float> vector_of(int i) {
    std::vector<float> v(1536);
    for (std::size_t d = 0; d < v.size(); ++d)
        v[d] = static_cast<float>((static_cast<std::size_t>(i) * 31 + d * 17) % 1000) / 1000.0F - 0.5F;
    return v;
}

std::string as_text(const std::vector<float>& v) {
    return fmt::format("[{}]", fmt::join(v, ","));
}

void merge_all(postgres_world& w, int round) {
    const wanted want{.kind = kind::embeddings, .model = "m", .version = fmt::format("m-{}", round)};
    for (int first = 0; first < row_count; first += slice_rows) {
        merge_slice slice{fmt::format("round {}", round), first, want, {}};
        for (int i = first; i < first + slice_rows; ++i) {
            auto row = summary_row(std::to_string(i), "the text", "");
            row.value = vector_of(i);
            slice.rows.push_back(std::move(row));
        }
        const auto reply = w.merge(std::move(slice));
        REQUIRE(reply.rows.front().how == outcome::ok);
    }
}

void update_row_by_row(postgres_world& w, bool autocommit) {
    if (!autocommit) w.exec("BEGIN");
    for (int i = 0; i < row_count; ++i)
        w.exec(fmt::format("UPDATE events SET embedding = '{}', embedding_model = 'm', embedding_ts = now(), "
                           "embedding_version = 'row' WHERE event_id = {}",
                           as_text(vector_of(i)), i));
    if (!autocommit) w.exec("COMMIT");
}

} // namespace

TEST_CASE("PostgreSQL: rows a second, merged and one by one", "[.][bench]") {
    postgres_world w(
        "CREATE TABLE events (event_id bigint PRIMARY KEY, authority text, event_hash text, title text, "
        "pub_date date, embedding vector(1536)); CREATE TABLE documents (document_id bigint PRIMARY KEY, "
        "event_id bigint, clean_text text)");
    w.migrated().exec(
        fmt::format("INSERT INTO events (event_id, title) SELECT i, 'A title' FROM generate_series(0, {}) "
                    "i; INSERT INTO documents SELECT event_id, event_id, 'the text' FROM events; CREATE "
                    "INDEX ON documents (event_id); ANALYZE",
                    row_count - 1));
    for (int round = 1; round <= 3; ++round) {
        const auto merged = seconds([&] { merge_all(w, round); });
        const auto replayed = seconds([&] { merge_all(w, round); });
        w.exec("VACUUM events");
        const auto one_commit = seconds([&] { update_row_by_row(w, false); });
        w.exec("VACUUM events");
        const auto autocommit = seconds([&] { update_row_by_row(w, true); });
        w.exec("VACUUM events");
        fmt::print(
            "vector(1536), {} rows: merged {:.0f}/s, again {:.0f}/s; row by row {:.0f}/s in one transaction, "
            "{:.0f}/s each in its own\n",
            row_count, row_count / merged, row_count / replayed, row_count / one_commit,
            row_count / autocommit);
    }
}
