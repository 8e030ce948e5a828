// What is owed beside jobs, and batches that were made twice, in a file that is opened again.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/ledger_fixture.hpp"

using namespace enrichd;
using enrichd::test::ledger_fixture;
using enrichd::test::noon;

TEST_CASE("what is owed is due in its order, and survives the file being opened again", "[state][chores]") {
    ledger_fixture f;
    const auto id = f.add_job(f.add_open_run());
    CHECK_FALSE(f.l->chores().next_due());
    f.l->chores().owe({chore::follow_twin, "batch_2", id, noon + 20, 0});
    f.l->chores().owe({chore::find_twins, job_name(id), id, noon + 10, 0});
    f.reopen();
    CHECK(f.l->chores().next_due() == noon + 10);
    CHECK_FALSE(f.l->chores().due(noon + 9));
    const auto first = f.l->chores().due(noon + 30);
    REQUIRE(first);
    CHECK(first->what == chore::find_twins);
    CHECK(first->subject == job_name(id));
    CHECK(first->job_id == id);

    f.l->chores().postpone(*first, noon + 25);
    CHECK(f.l->chores().due(noon + 30)->what == chore::follow_twin);
    f.l->chores().done(*f.l->chores().due(noon + 30));
    const auto again = f.l->chores().due(noon + 30);
    REQUIRE(again);
    CHECK(again->what == chore::find_twins);
    CHECK(again->failures == 1);
}

TEST_CASE("what was owed anew while it was done is still owed", "[state][chores]") {
    ledger_fixture f;
    const auto id = f.add_job(f.add_open_run());
    f.l->chores().owe({chore::find_twins, "1", id, noon, 3});
    const auto taken = *f.l->chores().due(noon);
    f.l->chores().owe({chore::find_twins, "1", id, noon + 5, 0});
    f.l->chores().done(taken);
    f.l->chores().postpone(taken, noon + 99);
    REQUIRE(f.l->chores().due(noon + 5));
    CHECK(f.l->chores().due(noon + 5)->failures == 0);
}

TEST_CASE("a job that may be a duplicate is so for ever", "[state][ledger]") {
    ledger_fixture f;
    const auto id = f.add_job(f.add_open_run());
    CHECK_FALSE(f.job(id).maybe_duplicate);
    REQUIRE(f.l->jobs().record(f.job(id), {job::uploaded{"file-1", "s"}, "test", "", {}, false, true}, noon));
    f.put(id, job::merged{"batch_1"});
    f.reopen();
    CHECK(f.job(id).maybe_duplicate);
}

TEST_CASE("what a twin may have cost counts for its run until it is known", "[state][ledger]") {
    ledger_fixture f;
    const auto run = f.add_open_run();
    const auto id = f.add_job(run);
    twin_row t;
    t.batch_id = "batch_2";
    t.job_id = id;
    t.kept_batch = "batch_1";
    t.status = "cancelling";
    t.completed = 1;
    t.unproven = money{500};
    t.found_ms = noon;
    f.l->twins().put(t);
    f.reopen();
    CHECK(f.l->unproven_of_run(run) == money{500});
    CHECK(f.l->twins().found_since(noon + 1).empty());
    REQUIRE(f.l->twins().of_job(id).size() == 1);
    CHECK(f.l->twins().of_job(id)[0].kept_batch == "batch_1");
    CHECK_FALSE(f.l->twins().of_job(id)[0].ended);

    t.status = "cancelled";
    t.used = {10, 0, 5, 0};
    t.cost = money{77};
    t.unproven = {};
    t.ended = true;
    f.l->twins().put(t);
    CHECK(f.l->unproven_of_run(run) == money{});
    const auto read = f.l->twins().find("batch_2");
    REQUIRE(read);
    CHECK(read->ended);
    CHECK(read->cost == money{77});
    CHECK(read->used == token_usage{10, 0, 5, 0});
    CHECK(read->found_ms == noon);
}

TEST_CASE("a file is owed its delete once its job has ended in a way that makes it owed", "[state][chores]") {
    ledger_fixture f;
    const auto id = f.add_job(f.add_open_run());
    const auto other = f.add_job(f.add_open_run());
    f.l->chores().owe_at_end(chore::delete_input, "file-1", id);
    f.l->chores().owe_at_end(chore::delete_result, "file-2", id);
    f.l->chores().owe_at_end(chore::delete_input, "file-3", other);
    CHECK_FALSE(f.l->chores().next_due());
    CHECK_FALSE(f.l->chores().due(noon + 1'000'000));
    f.l->chores().drop(chore::delete_result, id);
    f.l->chores().release(chore::delete_result, id, noon);
    CHECK_FALSE(f.l->chores().next_due());
    f.l->chores().release(chore::delete_input, id, noon);
    f.reopen();
    const auto owed = f.l->chores().due(noon);
    REQUIRE(owed);
    CHECK(owed->subject == "file-1");
    f.l->chores().done(*owed);
    CHECK_FALSE(f.l->chores().next_due());
    CHECK(f.l->chores().is_owed(chore::delete_input)); // the other job's, later
    CHECK_FALSE(f.l->chores().is_owed(chore::sweep_files));
}

TEST_CASE("refusals are counted while nothing else fails between them, and the last reason is kept",
          "[state][chores]") {
    ledger_fixture f;
    f.l->chores().owe({chore::find_unknown, "", 0, noon, 0});
    const auto fail = [&](const std::string& why, bool missing) {
        const auto c = *f.l->chores().find(chore::find_unknown);
        f.l->chores().postpone(c, c.due_ms + 1, why, missing);
        f.reopen();
        return *f.l->chores().find(chore::find_unknown);
    };
    CHECK(fail("404", true).missing == 1);
    CHECK(fail("404", true).missing == 2);
    const auto outage = fail("502", false);
    CHECK(outage.missing == 0);
    CHECK(outage.failures == 3);
    CHECK(outage.reason == "502");
    CHECK(fail("404", true).missing == 1);
}

TEST_CASE("what failures of a job are a sign of is counted by itself, and an outage ends the count",
          "[state]") {
    ledger_fixture f;
    const auto id = f.add_job(f.add_open_run());
    const auto fail = [&](const std::string& sign) {
        auto w = f.job(id).waiting;
        w.signs = with_sign(w.signs, sign);
        f.l->jobs().postpone(f.job(id), w, noon);
        f.reopen();
        return f.job(id).waiting;
    };
    CHECK(fail("gone file-1").times_seen("gone file-1") == 1);
    CHECK(fail("gone file-2").times_seen("gone file-1") == 1);
    CHECK(fail("gone file-2").times_seen("gone file-2") == 2);
    CHECK(fail("").times_seen("gone file-2") == 0);
    for (int n = 0; n < 100; ++n)
        fail(std::to_string(n));
    CHECK(f.job(id).waiting.signs.size() <= 16); // nothing is the same twice: no room is lost to it
}
