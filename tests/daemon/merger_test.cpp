// SPDX-License-Identifier: Apache-2.0
#include "daemon/merger.hpp"

#include "tests/support/merge_fixture.hpp"

using namespace enrichd;
using namespace enrichd::test;

using counts = outcome_tallies::counts;

TEST_CASE("a value that the database refuses ends its row, and its sibling is written", "[merger]") {
    const auto sibling = GENERATE(outcome::ok, outcome::stale, outcome::skipped, outcome::gone);
    CAPTURE(name(sibling));
    merge_fixture f;
    f.database->verdicts = {{"a", {sibling, ""}}, {"b", {outcome::invalid, "violates check \"short\""}}};
    const auto id = f.add_texts({{{"a", "b"}}}, kind::summaries);
    f.answer_and_merge(id, summary_line(id_of(0)));

    CHECK(f.rows_of(id) == counts{{sibling, 1}, {outcome::invalid, 1}});
    const auto held = f.l->quarantine().list(10);
    REQUIRE(held.size() == 1);
    CHECK(held[0].key == "b");
    CHECK(held[0].reason == "violates check \"short\"");
    CHECK(held[0].authority == "openssl");
    CHECK(held[0].hash == hash_of(0));
    // The request tells of what a person has to look at.
    CHECK(f.l->requests().tallies(id).requests == counts{{outcome::invalid, 1}});
    CHECK(f.l->failures().causes(id, 10).at(0).reason == "violates check \"short\"");
    CHECK(f.settle());
    CHECK(f.jobs() == 1); // nothing is bought again
}

TEST_CASE("a text of several parts that the database refuses is not bought again, and keeps no parts",
          "[merger]") {
    merge_fixture f;
    f.database->verdicts = {{"a", {outcome::invalid, "a trigger says no"}}};
    const auto id = f.add_texts({{{"a"}, 2}});
    f.answer_and_merge(id, vector_line(id_of(0, 1), "[1, 0, 0]") + vector_line(id_of(0, 0), "[0, 1, 0]"));
    CHECK(f.rows_of(id) == counts{{outcome::invalid, 1}});
    CHECK(f.l->quarantine().count() == 1);
    CHECK(f.l->requests().parts_of(f.run, hash_of(0)).empty());
    CHECK(f.settle());
    CHECK(f.jobs() == 1);
}

TEST_CASE("parts are kept until the write that they were for is done", "[merger]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}, 2}});
    f.merger.set_slice_lines(1);
    f.answer(id, vector_line(id_of(0, 1), "[1, 0, 0]") + vector_line(id_of(0, 0), "[0, 1, 0]"));
    const auto first = std::get<effect_done>(f.merge_slice_and_die(id)).slice.value();
    REQUIRE(first.parts.size() == 1);
    CHECK(first.complete_texts.empty());
    CHECK(f.database->merged.empty());

    f.merge(id);
    CHECK(f.database->merged.size() == 1);
    CHECK(f.rows_of(id) == counts{{outcome::ok, 1}});
    CHECK(f.l->requests().parts_of(f.run, hash_of(0)).empty());
}

TEST_CASE("a text whose parts were answered in two jobs is pooled", "[merger]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}, 3}, {{"b"}}});
    f.answer_and_merge(id, vector_line(id_of(0, 0), "[3, 0, 0]") + error_line(id_of(0, 1), 500) +
                               vector_line(id_of(0, 2), "[0, 3, 0]") + vector_line(id_of(1), "[0, 1, 0]"));
    CHECK(f.l->requests().parts_of(f.run, hash_of(0)).size() == 2);
    CHECK_FALSE(f.settle());
    const auto again = f.newest();
    CHECK(again.plan.attempt == 2);
    CHECK(again.plan.row_count == 1);
    CHECK(read_file(f.files.request_file(again.plan.file_name)) == id_of(0, 1) + "\n");

    f.answer_and_merge(again.id, vector_line(id_of(0, 1), "[0, 0, 3]"));
    CHECK(f.rows_of(again.id) == counts{{outcome::ok, 1}});
    const auto& v = std::get<std::vector<float>>(f.database->merged.back().rows.at(0).value);
    REQUIRE(v.size() == 3);
    CHECK(v[0] == v[1]);
    CHECK(v[1] == v[2]);
    CHECK(f.l->requests().parts_of(f.run, hash_of(0)).empty());
    CHECK(f.settle());
}

TEST_CASE("parts that cancel each other out are asked for again", "[merger]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}, 2}});
    f.answer_and_merge(id, vector_line(id_of(0, 0), "[1, 0, 0]") + vector_line(id_of(0, 1), "[-1, 0, 0]"));
    CHECK(f.database->merged.empty());
    CHECK_FALSE(f.settle());
    f.answer_and_merge(f.newest().id, vector_line(id_of(0, 1), "[0, 1, 0]"));
    CHECK(f.rows_of(f.newest().id) == counts{{outcome::ok, 1}});
    CHECK(f.settle());
}

TEST_CASE("what may be billed though no usage was told is known, and is not in the figures of what was spent",
          "[merger]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}}, {{"b"}}, {{"c"}}, {{"d"}}, {{"e"}}});
    const auto usage_lacks =
        answer_line(id_of(0), 200, R"({"data": [{"index": 0, "embedding": [1, 0, 0]}]})");
    const auto garbled = R"({"custom_id": "t1p0", "response": {"status_code": 200, "bo)"
                         "\n";
    // d: no line. e: an error, which costs nothing.
    f.answer_and_merge(id, usage_lacks + garbled + vector_line(id_of(2), "[1, 0, 0]") +
                               error_line(id_of(4), 500));
    CHECK(
        f.l->requests().tallies(id).requests ==
        counts{{outcome::ok, 2}, {outcome::unparseable, 1}, {outcome::missing, 1}, {outcome::http_error, 1}});
    CHECK(f.l->unproven_of_run(f.run) == cent + cent + cent);
    CHECK(f.l->spent_of_run(f.run) == money{100 * 75'000});
    CHECK(f.l->reserved_of_run(f.run) == money{});
}

TEST_CASE("what lost lines cost is booked from the bill of the whole batch", "[merger]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}}, {{"b"}}}, kind::summaries);
    f.answer(id, summary_line(id_of(0)));
    auto s = std::get<job::fetched>(f.job(id).state);
    SECTION("which tells more than the lines") {
        s.billed = token_usage{250, 0, 25, 0};
    }
    SECTION("but never less") {
        s.billed = token_usage{90, 0, 25, 0};
    }
    f.put(id, s);
    f.merge(id);
    const auto job = f.job(id);
    CHECK(job.used.input_tokens == std::max<std::int64_t>(100, s.billed->input_tokens));
    CHECK(job.used.output_tokens == 25);
    CHECK(job.actual.picodollars == job.used.input_tokens * 75'000 + job.used.output_tokens * 300'000);
    CHECK(f.l->unproven_of_run(f.run) == money{});
}

TEST_CASE("what the provider let expire is not billed", "[merger]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}}, {{"b"}}});
    f.answer(id, vector_line(id_of(0), "[1, 0, 0]"), batch_status::expired);
    f.merge(id);
    CHECK(f.l->unproven_of_run(f.run) == money{});
}

TEST_CASE("what was done by the provider's count, and has no line, may be billed, however the batch ended",
          "[merger]") {
    const auto ended_as = GENERATE(batch_status::expired, batch_status::cancelled);
    const int done = GENERATE(1, 2);
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}}, {{"b"}}, {{"c"}}});
    job::polling p;
    p.batch_id = "batch_1";
    p.status = ended_as;
    p.total = 3;
    p.completed = done;
    f.put(id, p);
    f.answer(id, vector_line(id_of(0), "[1, 0, 0]"), ended_as);
    f.merge(id);
    CHECK(f.l->unproven_of_run(f.run) == (done == 1 ? money{} : cent + cent));
    CHECK(f.l->reserved_of_run(f.run) == money{});
}

TEST_CASE("what a file told that is gone at the provider is not asked again by itself, and may be billed",
          "[merger]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}}, {{"b"}}, {{"c"}}});
    f.answer(id, vector_line(id_of(0), "[1, 0, 0]"));
    auto s = std::get<job::fetched>(f.job(id).state);
    s.some_gone = true;
    bool is_told = false;
    SECTION("and the provider does not tell the bill") {}
    SECTION("and the provider tells the bill") {
        is_told = true;
        s.billed = token_usage{250, 0, 0, 0};
    }
    f.put(id, s);
    f.merge(id);
    CHECK(f.l->requests().tallies(id).requests == counts{{outcome::ok, 1}, {outcome::cancelled, 2}});
    CHECK(f.l->unproven_of_run(f.run) == (is_told ? money{} : cent + cent));
    CHECK(f.job(id).used.input_tokens == (is_told ? 250 : 100));
    CHECK(f.settle()); // nothing is sent again
    CHECK(f.jobs() == 1);
    CHECK(f.l->quarantine().count() == 0);
}

TEST_CASE("a slice that the target has already is cut the same, whatever is configured meanwhile",
          "[merger]") {
    const auto changed_to = GENERATE(std::size_t{1}, std::size_t{3});
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}}, {{"b"}}, {{"c"}}, {{"d"}}, {{"e"}}}, kind::summaries);
    f.merger.set_slice_lines(2);
    std::string output;
    for (std::size_t n = 0; n < 5; ++n)
        output += summary_line(id_of(n));
    f.answer(id, output);
    (void)f.merge_slice_and_die(id);
    f.merger.set_slice_lines(changed_to);
    f.merge(id);
    CHECK(f.rows_of(id) == counts{{outcome::ok, 5}});
    const auto rows_of_slice = [&](std::size_t n) { return f.database->merged.at(n).rows.size(); };
    CHECK(rows_of_slice(0) == 2);
    CHECK(rows_of_slice(1) == 2); // the replay
    CHECK(rows_of_slice(2) == changed_to);
}

TEST_CASE("the target is told what was asked of vectors", "[merger]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}}});
    f.answer_and_merge(id, vector_line(id_of(0), "[1, 0, 0]"));
    CHECK(f.database->merged.at(0).dimensions == 3);
}

TEST_CASE("nothing is written into another target than the one that the rows are of", "[merger]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}}}, kind::summaries);
    f.answer(id, summary_line(id_of(0)));
    f.database->name = "postgresql:elsewhere/db/events";
    const auto postponed = std::get<effect_postponed>(f.merge_slice_and_die(id)).why;
    CHECK(postponed.code == errc::target_blocked);
    CHECK(postponed.detail.find("sqlite:test/events") != std::string::npos);
    CHECK(postponed.detail.find("postgresql:elsewhere/db/events") != std::string::npos);
    CHECK(f.database->merged.empty());

    f.database->name = "sqlite:test/events";
    f.merge(id);
    CHECK(f.rows_of(id) == counts{{outcome::ok, 1}});
}
