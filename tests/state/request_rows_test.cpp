// Requests, rows and what became of them.
// SPDX-License-Identifier: Apache-2.0
#include "state/ledger.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/ledger_fixture.hpp"

using namespace enrichd;
using enrichd::test::ledger_fixture;
using enrichd::test::noon;

TEST_CASE("a row is in flight in at most one open job", "[state][ledger]") {
    ledger_fixture f;
    const auto run = f.add_open_run();
    const auto first = f.add_job(run, job::goal::merged, 1);
    const auto second = f.add_job(run, job::goal::merged, 1);
    const auto& target = f.job(first).plan.target;
    const std::string key = "e-" + std::to_string(first) + "-0";
    const auto holder = [&] {
        return f.l->flights().holder(f.l->flights().mark(target, kind::summaries), key);
    };
    CHECK(holder() == first);
    CHECK_THROWS_AS(f.l->requests().add_row(second, target, kind::summaries, {7, key, ""}),
                    sqlite::sqlite_error);
    CHECK_NOTHROW(f.l->requests().add_row(second, target, kind::embeddings, {7, key, ""}));

    f.put(first, job::cancelled{});
    CHECK(holder() == first); // its rows are not settled yet
    f.l->requests().end_row(first, {0, key, outcome::ok, ""});
    f.reopen();
    CHECK_FALSE(holder());
    CHECK_NOTHROW(f.l->requests().add_row(second, target, kind::summaries, {8, key, ""}));
    CHECK(holder() == second);
}

TEST_CASE("a row of a batch that was adopted may be in flight beside another job's", "[state][ledger]") {
    ledger_fixture f;
    const auto run = f.add_open_run();
    const auto first = f.add_job(run, job::goal::merged, 1);
    const auto adopted = f.add_job(run, job::goal::merged, 1);
    const auto target = f.job(first).plan.target;
    const std::string key = "e-" + std::to_string(first) + "-0";
    CHECK_NOTHROW(f.l->requests().add_row(adopted, target, kind::summaries, {9, key, "", true}));
    CHECK(f.l->requests().open_rows(first) == 1);
    CHECK(f.l->requests().open_rows(adopted) == 2);
    f.l->requests().end_row(first, {0, key, outcome::ok, ""});
    CHECK(f.l->requests().open_rows(adopted) == 2);
}

TEST_CASE("a row counts as in flight for whoever began to read before its job ended", "[state][ledger]") {
    ledger_fixture f;
    const auto run = f.add_open_run();
    const auto ended_before = f.add_job(run, job::goal::merged, 1);
    f.l->requests().end_all(ended_before, outcome::stale, "");
    f.put(ended_before, job::merged{"batch_0"});
    const auto open = f.add_job(run, job::goal::merged, 2);
    const auto other_kind = f.add_job(run, job::goal::merged, 1, kind::embeddings);
    const auto mark = f.l->flights().mark(f.job(open).plan.target, kind::summaries);
    CHECK(mark.open == std::set<std::int64_t>{open});
    const auto later = f.add_job(run, job::goal::merged, 1);
    for (const auto id : {open, later}) {
        f.l->requests().end_all(id, outcome::ok, "");
        f.put(id, job::merged{"batch_1"});
    }
    const auto holder = [&](std::int64_t job) {
        return f.l->flights().holder(mark, "e-" + std::to_string(job) + "-0");
    };
    CHECK(holder(open) == open);
    CHECK(holder(later) == later);
    CHECK_FALSE(holder(ended_before)); // what a person began to read afterwards shows its outcome
    CHECK_FALSE(holder(other_kind));
    CHECK_FALSE(f.l->flights().holder(mark, "never sent"));
}

TEST_CASE("tallies follow what ends, count it once, and outlive pruning", "[state][ledger]") {
    ledger_fixture f;
    const auto run = f.add_open_run();
    const auto id = f.add_job(run, job::goal::merged, 4);
    auto& requests = f.l->requests();
    requests.end_request(id, {0, outcome::ok, 200, ""});
    requests.end_request(id, {0, outcome::http_error, 500, "again"}); // the first word counts
    requests.end_request(id, {1, outcome::http_error, 400, "bad"});
    requests.end_row(id, {0, "e-" + std::to_string(id) + "-0", outcome::ok, ""});
    requests.count_resent(id, outcome::http_error);
    requests.count_unsent(id, outcome::expired);
    requests.count_unsent(id, outcome::expired);
    CHECK(requests.tallies(id).requests ==
          outcome_tallies::counts{{outcome::ok, 1}, {outcome::http_error, 1}});

    requests.end_all(id, outcome::cancelled, "stop");
    f.put(id, job::cancelled{});
    f.reopen();
    const auto check = [&] {
        const auto t = f.l->requests().tallies(id);
        CHECK(t.requests ==
              outcome_tallies::counts{{outcome::ok, 1}, {outcome::http_error, 1}, {outcome::cancelled, 2}});
        CHECK(t.rows == outcome_tallies::counts{{outcome::ok, 1}, {outcome::cancelled, 3}});
        CHECK(t.resent == outcome_tallies::counts{{outcome::http_error, 1}});
        CHECK(t.unsent == outcome_tallies::counts{{outcome::expired, 2}});
    };
    check();
    REQUIRE(f.l->runs().record(*f.l->runs().find(run), run::state::done, run::event::finished, "", {},
                               noon + 50));
    CHECK(f.l->prunable(noon + 51) == std::vector<std::int64_t>{id});
    f.l->prune(id);
    CHECK_FALSE(f.l->requests().find(id, "id-" + std::to_string(id) + "-0"));
    check();
}

TEST_CASE("samples are the first failures of each outcome, with their place in the file", "[state][ledger]") {
    ledger_fixture f;
    const auto id = f.add_job(f.add_open_run(), job::goal::merged, 6);
    for (int n = 0; n < 4; ++n)
        f.l->requests().end_request(id, {n, outcome::http_error, 400 + n, "no"});
    f.l->requests().end_request(id, {4, outcome::refused, 200, "I can't"});
    f.l->requests().end_request(id, {5, outcome::ok, 200, ""});
    const auto samples = f.l->failures().samples(id, 3);
    REQUIRE(samples.size() == 4);
    CHECK(samples[0].http_status == 400);
    CHECK(samples[2].http_status == 402);
    CHECK(samples[0].key == "e-" + std::to_string(id) + "-0");
    CHECK(samples[3].how == outcome::refused);
}

TEST_CASE("quarantine holds a row for its version and text only, until it is released", "[state][ledger]") {
    ledger_fixture f;
    const auto id = f.add_job(f.add_open_run());
    quarantined_row row{"t", kind::summaries, "k", "v1", {}, id, outcome::refused, "no", 1, noon, "openssl"};
    f.l->quarantine().put(row);
    row.kind = kind::embeddings;
    f.l->quarantine().put(row);
    f.reopen();
    auto& q = f.l->quarantine();
    text_hash other{};
    other[0] = std::byte{1};
    CHECK(q.holds("t", kind::summaries, "k", "v1", {}));
    CHECK_FALSE(q.holds("t", kind::summaries, "k", "v2", {}));
    CHECK_FALSE(q.holds("t", kind::summaries, "k", "v1", other));
    CHECK_FALSE(q.holds("u", kind::summaries, "k", "v1", {}));
    CHECK(q.list(10).at(0).authority == "openssl");
    CHECK(q.count() == 2);
    CHECK(q.release("nobody") == 0);
    CHECK(q.release("k") == 2);
    CHECK(q.count() == 0);
}

TEST_CASE("vectors of parts are kept exactly until their siblings are there", "[state][ledger]") {
    ledger_fixture f;
    const auto run = f.add_open_run();
    f.l->requests().keep_part(run, {{}, 1, 30, {0.5F, -1.25F}});
    f.l->requests().keep_part(run, {{}, 0, 20, {3.0F, 1e-30F}});
    f.l->requests().keep_part(run, {{}, 0, 20, {3.0F, 1e-30F}}); // a replayed slice
    f.reopen();
    const auto parts = f.l->requests().parts_of(run, {});
    REQUIRE(parts.size() == 2);
    CHECK(parts[0].vector == std::vector<float>{3.0F, 1e-30F});
    CHECK(parts[1].tokens == 30);
    f.l->requests().drop_parts(run, {});
    CHECK(f.l->requests().parts_of(run, {}).empty());
}
