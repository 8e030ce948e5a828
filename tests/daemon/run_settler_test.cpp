// SPDX-License-Identifier: Apache-2.0
#include "daemon/run_settler.hpp"

#include "tests/support/merge_fixture.hpp"

using namespace enrichd;
using namespace enrichd::test;

using counts = outcome_tallies::counts;

namespace {

// Ends the requests of a job, in order, as their numbers tell; the job itself as merged.
void end_with(merge_fixture& f, std::int64_t id, const std::vector<int>& statuses) {
    for (std::size_t n = 0; n < statuses.size(); ++n) {
        const auto how = statuses[n] == 200 ? outcome::ok : outcome::http_error;
        f.l->requests().end_request(id, {static_cast<std::int64_t>(n), how, statuses[n],
                                         how == outcome::ok ? "" : fmt::format("status {}", statuses[n])});
    }
    f.put(id, job::merged{"batch_1"});
}

} // namespace

TEST_CASE("what may succeed the next time is sent again, with its rows", "[run_settler]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}}, {{"b", "c"}}, {{"d"}}});
    end_with(f, id, {400, 500, 429});
    CHECK_FALSE(f.settle());
    const auto again = f.newest();
    CHECK(again.id != id);
    CHECK(again.plan.attempt == 2);
    CHECK(again.plan.totals.requests == 2);
    CHECK(again.plan.totals.bound == cent + cent);
    CHECK(again.plan.row_count == 3);
    CHECK(again.waiting.due_ms == f.now.now);
    CHECK(read_file(f.files.request_file(again.plan.file_name)) == id_of(1) + "\n" + id_of(2) + "\n");
    CHECK(hash_file(f.files.request_file(again.plan.file_name)).value() == again.plan.file_sha256);
    CHECK(f.l->flights().holder(f.l->flights().mark(again.plan.target, kind::embeddings), "c") == again.id);
    CHECK(f.l->requests().find(again.id, id_of(2))->asked.file_offset == 5);
    CHECK(f.rows_of(id) == counts{{outcome::http_error, 1}});
    CHECK(f.l->requests().tallies(id).resent == counts{{outcome::http_error, 2}});
    CHECK(f.l->quarantine().list(10).at(0).key == "a");
}

TEST_CASE("a request is tried three times, and then its rows are quarantined", "[run_settler]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}}});
    end_with(f, id, {500});
    for (int tries = 2; tries <= 3; ++tries) {
        CHECK_FALSE(f.settle());
        CHECK(f.newest().plan.attempt == tries);
        end_with(f, f.newest().id, {500});
    }
    CHECK(f.settle());
    CHECK(f.jobs() == 3);
    CHECK(f.l->quarantine().list(10).at(0).tries == 3);
    CHECK(f.rows_of(f.newest().id) == counts{{outcome::http_error, 1}});
}

TEST_CASE("one part that can never be answered gives the whole text up", "[run_settler]") {
    // What each of three parts ended with; the answered one is kept until then.
    const auto statuses = GENERATE(std::vector<int>{500, 400, 200}, std::vector<int>{200, 400, 500},
                                   std::vector<int>{400, 200, 500});
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}, 3}, {{"b"}}});
    f.l->requests().keep_part(f.run, {hash_of(0), 2, 100, {1, 0, 0}});
    auto all = statuses;
    all.push_back(500);
    end_with(f, id, all);
    CHECK_FALSE(f.settle());
    const auto again = f.newest();
    CHECK(read_file(f.files.request_file(again.plan.file_name)) == id_of(1) + "\n");
    CHECK(f.rows_of(id) == counts{{outcome::http_error, 1}});
    CHECK(f.l->quarantine().list(10).at(0).reason == "status 400");
    CHECK(f.l->requests().parts_of(f.run, hash_of(0)).empty());
}

TEST_CASE("the budget covers all failed parts of a text, or none is sent again", "[run_settler]") {
    merge_fixture f;
    f.l->runs().set_limit(f.run, cent + cent);
    const auto id = f.add_texts({{{"a"}, 3}, {{"b"}}, {{"c"}}, {{"d"}}});
    f.l->requests().keep_part(f.run, {hash_of(0), 0, 100, {1, 0, 0}});
    end_with(f, id, {500, 500, 500, 500, 500, 500});
    CHECK_FALSE(f.settle());
    const auto again = f.newest();
    CHECK(read_file(f.files.request_file(again.plan.file_name)) == id_of(1) + "\n" + id_of(2) + "\n");
    const auto t = f.l->requests().tallies(id);
    CHECK(t.unsent == counts{{outcome::http_error, 4}});
    CHECK(t.rows == counts{{outcome::http_error, 2}});
    CHECK(f.l->quarantine().count() == 0); // the next run may take it
    CHECK(f.l->requests().parts_of(f.run, hash_of(0)).empty());
}

TEST_CASE("requests whose file is lost, or is not what was sent, are left to the next run", "[run_settler]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}}, {{"b"}}});
    end_with(f, id, {500, 500});
    const auto file = f.files.request_file(f.job(id).plan.file_name);
    std::string why;
    SECTION("lost, with an old copy of the ledger that was put back") {
        std::filesystem::remove(file);
        why = "its request file is lost";
    }
    SECTION("changed") {
        write_file(file, "something else\n");
        why = "its request file was changed since it was sent";
    }
    CHECK(f.settle());
    CHECK(f.jobs() == 1);
    CHECK(f.l->requests().tallies(id).unsent.empty()); // that would be the budget's doing
    CHECK(f.rows_of(id) == counts{{outcome::http_error, 2}});
    CHECK(f.l->quarantine().count() == 0);
}

TEST_CASE("what an adopted batch was asked too is sent again only if that one has no answer either",
          "[run_settler]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a", "b"}}, {{"c"}}});
    auto plan = f.plan(f.add_open_run());
    plan.file_name = "adopted-batch_7.requests.jsonl";
    const auto adopted = f.l->jobs().create(plan, job::goal::merged, f.now.now);
    new_request same;
    same.custom_id = id_of(0);
    f.l->requests().add(adopted, same);
    end_with(f, id, {500, 500});
    bool has_none = false;
    SECTION("it is under way") {}
    SECTION("its answer was written, or its row has one") {
        f.l->requests().end_request(adopted, {0, GENERATE(outcome::ok, outcome::skipped), 200, "done"});
    }
    SECTION("it has none") {
        f.l->requests().end_request(adopted, {0, outcome::http_error, 500, "500"});
        has_none = true;
    }
    CHECK_FALSE(f.settle());
    CHECK(f.l->requests().open_rows(f.newest().id) == (has_none ? 3 : 1));
    CHECK(f.l->quarantine().count() == 0);
}

TEST_CASE("what another life of the ledger may have sent again is left to the next run", "[run_settler]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}}});
    end_with(f, id, {500});
    const auto made = f.job(id).created_ms;
    SECTION("it made batches later than the job was built") {
        f.l->set_outlived(made);
        CHECK(f.settle());
        CHECK(f.jobs() == 1);
        CHECK(f.l->quarantine().count() == 0);
        CHECK(f.l->requests().open_rows(id) == 0);
    }
    SECTION("it had ended before") {
        f.l->set_outlived(made - 1);
        CHECK_FALSE(f.settle());
        CHECK(f.newest().plan.attempt == 2);
    }
}

TEST_CASE("while it is not known what the provider has, nothing is sent again", "[run_settler]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}}});
    end_with(f, id, {500});
    f.l->chores().owe({chore::find_unknown, "", 0, f.now.now, 3});
    const auto settled = f.wait(f.settler.settle(f.run));
    REQUIRE_FALSE(settled);
    CHECK(settled.error().code == errc::unavailable);
    CHECK(f.jobs() == 1);
    f.l->chores().done(*f.l->chores().find(chore::find_unknown));
    CHECK_FALSE(f.settle());
    CHECK(f.newest().plan.attempt == 2);
}

TEST_CASE("what was cancelled is not sent again, and not held against its rows", "[run_settler]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}, 2}, {{"b"}}});
    f.l->requests().end_request(id, {0, outcome::http_error, 500, "status 500"});
    f.l->requests().end_request(id, {1, outcome::cancelled, 0, "cancelled"});
    f.l->requests().end_request(id, {2, outcome::http_error, 500, "status 500"});
    f.l->jobs().wish(f.job(id), {job::goal::merged, job::cancel_reason::user}, "test", f.now.now);
    f.put(id, job::merged{"batch_1"});
    CHECK(f.settle());
    CHECK(f.jobs() == 1);
    CHECK(f.rows_of(id) == counts{{outcome::cancelled, 1}, {outcome::http_error, 1}});
    CHECK(f.l->quarantine().count() == 0);
}

TEST_CASE("a row that no failed request accounts for does not keep its run open", "[run_settler]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}}, {{"b"}}});
    end_with(f, id, {200, 500});
    CHECK_FALSE(f.settle());
    CHECK(f.rows_of(id) == counts{{outcome::invalid, 1}});
    CHECK(f.l->requests().open_rows(id) == 0);
}

TEST_CASE("a run that has ended keeps no parts", "[run_settler]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}, 2}});
    f.l->requests().keep_part(f.run, {hash_of(0), 0, 100, {1, 0, 0}});
    f.l->requests().end_all(id, outcome::cancelled, "cancelled before it was submitted");
    f.put(id, job::cancelled{});
    CHECK(f.settle());
    CHECK(f.l->requests().parts_of(f.run, hash_of(0)).empty());
}

TEST_CASE("a run that is cancelled while its requests are copied sends none of them", "[run_settler]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}}, {{"b"}}});
    end_with(f, id, {500, 400});
    const auto copy = f.files.request_file(fmt::format("r{}-embeddings-{}.2.requests.jsonl", f.run, id));
    CHECK(f.settle_while([&] { f.l->runs().want_cancel(f.run, f.now.now); }));
    CHECK(f.jobs() == 1);
    CHECK(f.rows_of(id) == counts{{outcome::http_error, 2}});
    CHECK(f.l->quarantine().count() == 1); // b: a cancel does not make it any better
    CHECK_FALSE(std::filesystem::exists(copy));
}

TEST_CASE("a bill that comes while requests are copied counts against the budget", "[run_settler]") {
    merge_fixture f;
    f.l->runs().set_limit(f.run, cent + cent);
    const auto id = f.add_texts({{{"a"}}, {{"b"}}});
    end_with(f, id, {500, 500});
    CHECK_FALSE(f.settle_while([&] { f.l->jobs().settle(id, {{}, cent}, noon); }));
    CHECK(read_file(f.files.request_file(f.newest().plan.file_name)) == id_of(0) + "\n");
    CHECK(f.newest().plan.totals.requests == 1);
    CHECK(f.l->requests().tallies(id).unsent == counts{{outcome::http_error, 1}});
}

TEST_CASE("what may have been billed counts against the budget of what is sent again", "[run_settler]") {
    merge_fixture f;
    f.l->runs().set_limit(f.run, cent + cent + cent);
    const auto id = f.add_texts({{{"a"}}, {{"b"}}});
    f.answer_and_merge(id, ""); // completed, and not one line: both may be billed
    CHECK_FALSE(f.settle());
    CHECK(f.newest().plan.totals.requests == 1);
    CHECK(f.l->requests().tallies(id).unsent == counts{{outcome::missing, 1}});

    f.answer_and_merge(f.newest().id, "");
    CHECK(f.settle()); // three cents may be gone now: nothing more is bought
    CHECK(f.jobs() == 2);
    CHECK(f.l->spent_of_run(f.run) == money{});
}

namespace {

// The job is cut, as a queue that takes so many tokens makes its driver do it.
void cut(merge_fixture& f, std::int64_t id, std::uint64_t tokens) {
    f.put(id, job::discarded{tokens});
    f.l->requests().end_open_requests(id, outcome::cancelled, "cut into smaller jobs");
}

} // namespace

TEST_CASE("what was cut goes on in jobs of so many tokens, and counts once", "[run_settler][quota]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}}, {{"b", "c"}}, {{"d"}, 3}, {{"e"}}});
    cut(f, id, 200); // 100 tokens each
    CHECK_FALSE(f.settle());
    REQUIRE(f.jobs() == 4);
    const auto pieces = f.l->jobs().of_run(f.run);
    const std::vector<std::uint64_t> requests = {2, 3, 1}; // the parts of a text stay together
    std::set<std::string> names;
    for (std::size_t n = 0; n < requests.size(); ++n) {
        const auto& piece = pieces[n + 1];
        CAPTURE(n);
        CHECK(piece.plan.attempt == 1);
        CHECK(piece.plan.totals.requests == requests[n]);
        CHECK(piece.plan.totals.input_tokens == 100 * requests[n]);
        CHECK(piece.waiting.due_ms == f.now.now);
        CHECK(names.insert(piece.plan.file_name).second);
        CHECK(hash_file(f.files.request_file(piece.plan.file_name)).value() == piece.plan.file_sha256);
    }
    CHECK(f.rows_of(id).empty());
    CHECK(f.l->requests().tallies(id).resent == counts{{outcome::cancelled, 6}});
    CHECK(f.l->requests().open_rows(id) == 0);
    CHECK(f.l->quarantine().count() == 0);
    CHECK(f.l->reserved_of_run(f.run) ==
          pieces[1].plan.totals.bound + pieces[2].plan.totals.bound + pieces[3].plan.totals.bound);
    CHECK(f.l->bookings().since(0).reserved == f.l->reserved_of_run(f.run));
}

TEST_CASE("what was cut and is to be cancelled, or is lost, is left to the next run",
          "[run_settler][quota]") {
    merge_fixture f;
    const auto id = f.add_texts({{{"a"}}, {{"b"}}});
    SECTION("cancelled") {
        f.l->jobs().wish(f.job(id), {job::goal::merged, job::cancel_reason::user}, "test", noon);
    }
    SECTION("lost") {
        std::filesystem::remove(f.files.request_file(f.job(id).plan.file_name));
    }
    cut(f, id, 100);
    CHECK(f.settle());
    CHECK(f.jobs() == 1);
    CHECK(f.rows_of(id) == counts{{outcome::cancelled, 2}});
    CHECK(f.l->quarantine().count() == 0);
}
