// The look at start, and what waits for it, by a provider and a target of the test's own.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/unknown_finder.hpp"

#include "core/batch_label.hpp"
#include "core/calendar.hpp"
#include "daemon/job_driver.hpp"
#include "daemon/purchase_gate.hpp"
#include "daemon/row_survey.hpp"
#include "daemon/run_driver.hpp"
#include "daemon/run_settler.hpp"
#include "daemon/submission_name.hpp"
#include "daemon/sweeper.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/driver_fixture.hpp"
#include "tests/support/operations_fixture.hpp"

#include <algorithm>
#include <memory>
#include <string>

using namespace enrichd;
using namespace enrichd::test;

namespace {

struct start_fixture : operations_fixture {
    scripted_effects effects;
    job_driver jobs{*l, effects, now, [] { return 0.5; }};
    run_settler settler{*l, files, now, loop.get_executor()};
    run_driver runs{{*l, now, builder, settler, parts().settings,
                     [](std::int64_t) -> boost::asio::awaitable<result<void>> { co_return result<void>{}; },
                     [] { return 0.5; }}};
    unknown_finder finder{*l, adoptions, now, parts().settings};
    sweeper chores{*l, now, [] { return 0.5; }, [] {}};
    std::int64_t run = add_open_run();
    std::int64_t id = add_job(run);

    start_fixture() {
        adoptions.set_provider(world);
        world->pages.push_back({{}, false});
        chores.set_client(world);
        chores.set_finder([this](chore_row c) { return finder.look(std::move(c)); });
        chores.begin();
    }

    /// As the next life of this job would have submitted it.
    batch_object batch_of(const std::string& batch_id, const std::string& submission,
                          const std::string& installation) {
        const auto r = wait(recipe_for(kind::summaries, parts().settings())).value();
        batch_object b;
        b.id = batch_id;
        b.status = batch_status::in_progress;
        b.status_word = "in_progress";
        b.created_at = noon / 1000 - 3600;
        b.input_file_id = "file-in";
        b.total = 3;
        b.metadata = to_metadata({submission, installation, "7", kind::summaries, r.version, "ab",
                                  target_mark(database->identity()), false, false});
        return b;
    }
    batch_object own(std::int64_t attempt = 1, const std::string& batch_id = "batch_own") {
        return batch_of(batch_id, submission_id(l->installation(), job(id), attempt), l->installation());
    }
    batch_object later_life() {
        auto other = job(id);
        other.mark = "00ff00ff";
        return batch_of("batch_later", submission_id(l->installation(), other, 1), l->installation());
    }
    void show(batch_object b) { world->pages.back().batches.push_back(std::move(b)); }

    void look() { wait(do_all(chores)); }
    void turn() { wait(take(jobs, id)); }
    run::state run_turn(std::int64_t run_id) {
        wait(take_run(runs, run_id));
        return l->runs().find(run_id)->state;
    }
    std::string job_state() { return std::string(job::name(job(id).state)); }

private:
    static boost::asio::awaitable<bool> do_all(sweeper& s) {
        co_await s.sweep();
        co_return true;
    }
    static boost::asio::awaitable<bool> take(job_driver& d, std::int64_t job_id) {
        co_await d.take_turn(job_id);
        co_return true;
    }
    static boost::asio::awaitable<bool> take_run(run_driver& d, std::int64_t run_id) {
        co_await d.take_turn(run_id);
        co_return true;
    }
};

} // namespace

TEST_CASE("a job that was not submitted as far as the ledger knows takes its batch up at start",
          "[unknown]") {
    start_fixture f;
    SECTION("built, and waiting for submit") {
        f.l->jobs().wish(f.job(f.id), {job::goal::built, {}}, "test", noon);
    }
    SECTION("an upload under way") {
        f.put(f.id, job::intent_upload{submission_id(f.l->installation(), f.job(f.id), 1)});
    }
    SECTION("uploaded") {
        f.put(f.id, job::uploaded{"file-1", "", 0});
    }
    f.turn();
    CHECK(f.effects.asked.empty()); // nothing is sent before the look
    f.show(f.own(2));
    f.look();
    const auto job = f.job(f.id);
    const auto* submitted = std::get_if<job::submitted>(&job.state);
    REQUIRE(submitted);
    CHECK(submitted->batch_id == "batch_own");
    CHECK(submitted->submission == submission_id(f.l->installation(), job, 2));
    CHECK(submitted->file_id == "file-in");
    CHECK(job.submissions == 2);
    CHECK(job.wishes.until != job::goal::built);
    CHECK(job.waiting.due_ms == f.now.now);
    CHECK_FALSE(f.l->unknown().any());
    CHECK_FALSE(why_not_send(*f.l));
}

TEST_CASE("of two batches of a job the one that works is kept, and the other looked for as a twin",
          "[unknown]") {
    start_fixture f;
    auto older = f.own(1, "batch_cancelled");
    older.created_at -= 100;
    older.status = batch_status::cancelled;
    older.completed = 1;
    older.output_file_id = "file-out";
    f.show(f.own());
    f.show(older);
    const auto looked = f.wait(f.finder.look(*f.l->chores().find(chore::find_unknown)));
    REQUIRE(looked);
    CHECK(f.job(f.id).batch_id == "batch_own");
    CHECK(f.l->chores().is_owed(chore::find_twins));
}

TEST_CASE("a second batch of a job that has one is looked for as a twin at start", "[unknown]") {
    start_fixture f;
    f.put(f.id, job::submitted{submission_id(f.l->installation(), f.job(f.id), 1), "file-in", "batch_first",
                               noon / 1000});
    f.show(f.own());
    f.look();
    CHECK(f.job(f.id).batch_id == "batch_first");
    REQUIRE(f.l->twins().find("batch_own"));
    CHECK(f.world->calls.back() == "cancel batch_own");
    CHECK(f.l->chores().is_owed(chore::follow_twin));
    const auto calls = f.world->calls.size();
    f.chores.begin();
    CHECK(f.wait(f.finder.look(*f.l->chores().find(chore::find_unknown))));
    CHECK_FALSE(f.l->chores().is_owed(chore::find_twins)); // it is followed already
    CHECK(f.world->calls.size() == calls + 1);
}

TEST_CASE("a batch that no history of this ledger tells of says until when another life of it made some",
          "[unknown]") {
    start_fixture f;
    auto b = f.own(1, "batch_another");
    SECTION("of a job that it does not know") {
        b = f.later_life();
    }
    SECTION("of a try that it does not know, though nothing came of it") {
        b = f.own(2, "batch_another");
        b.status = batch_status::failed;
    }
    f.show(b);
    f.look();
    CHECK(f.l->outlived_ms() == b.created_at * 1000);
}

TEST_CASE("batches that this ledger or another installation made are no sign of another life", "[unknown]") {
    start_fixture f;
    f.put(f.id, job::submitted{submission_id(f.l->installation(), f.job(f.id), 1), "file-in", "batch_own",
                               noon / 1000});
    f.show(f.own(1, "batch_twin"));
    f.show(f.batch_of("batch_elsewhere", "ed1-1a2b3c4d-7-1", "1a2b3c4d"));
    f.look();
    CHECK(f.l->outlived_ms() == 0);
}

TEST_CASE("a later try than an old copy knows of is its job's once the earlier one has failed, and no twin",
          "[unknown]") {
    start_fixture f;
    const auto first = submission_id(f.l->installation(), f.job(f.id), 1);
    const auto submit = [&](const job::state& s) {
        const job_change tried{s, "test", "", {}, 1};
        REQUIRE(f.l->jobs().record(f.job(f.id), tried, noon));
    };
    SECTION("that one is at the provider") {
        submit(job::submitted{first, "file-in", "batch_full", noon / 1000 - 7200});
        f.l->chores().owe({chore::find_twins, "1", f.id, noon, 0});
    }
    SECTION("it is being looked for") {
        submit(job::submit_unknown{first, "file-in", noon, 0});
    }
    auto full = f.own(1, "batch_full");
    full.status = batch_status::failed;
    full.created_at -= 3600;
    f.show(f.own(2));
    f.show(full);
    f.look();
    CHECK_FALSE(f.l->twins().find("batch_own"));
    CHECK(std::count(f.world->calls.begin(), f.world->calls.end(), "cancel batch_own") == 0);
    CHECK_FALSE(f.l->unknown().any()); // nobody has to say anything
    CHECK(why_not_send(*f.l));
    const auto refused = f.wait(f.adoptions.adopt("batch_own", f.parts().settings()));
    REQUIRE_FALSE(refused);
    CHECK(contains(refused.error().detail, "takes it up once its earlier batch has failed"));

    f.put(f.id, job::uploaded{"file-in", "", 0});
    f.turn();
    CHECK(f.effects.asked.empty());
    f.now.now += day_ms / 24;
    f.look();
    CHECK(f.job(f.id).batch_id == "batch_own");
    CHECK(f.job(f.id).submissions == 2);
    CHECK_FALSE(why_not_send(*f.l));
}

TEST_CASE("a batch of a job that ended without one is taken in by a chore, and holds purchases until then",
          "[unknown]") {
    start_fixture f;
    f.put(f.id, job::failed{"refused"});
    f.show(f.own());
    const auto looked = f.wait(f.finder.look(*f.l->chores().find(chore::find_unknown)));
    REQUIRE(looked);
    CHECK(f.l->chores().is_owed(chore::find_twins));
    CHECK(why_not_build(*f.l));
    CHECK(f.job_state() == "failed");
}

TEST_CASE("a batch that failed before it ran, or of a run that is not built, is no job's own", "[unknown]") {
    start_fixture f;
    SECTION("failed") {
        auto b = f.own(3);
        b.status = batch_status::failed;
        f.show(b);
        f.look();
        CHECK_FALSE(f.l->unknown().any());
        CHECK(f.job(f.id).submissions == 3); // its name is not used again
    }
    SECTION("of a run that is not built") {
        f.id = f.add_job(f.add_run());
        f.show(f.own());
        f.look();
        REQUIRE(f.l->unknown().list().size() == 1);
        CHECK(f.l->unknown().list()[0].batch_id == "batch_own");
    }
    CHECK(f.job_state() == "built");
}

TEST_CASE("nothing is built or sent while batches stand at the provider that the ledger does not know",
          "[unknown]") {
    start_fixture f;
    const auto next = f.add_run();
    CHECK(f.run_turn(next) == run::state::requested); // not before the look was tried
    CHECK(contains(f.l->runs().find(next)->waiting.reason, "was not looked through since the start"));
    f.show(f.later_life());
    f.show(f.batch_of("batch_second", "ed1-1a2b3c4d-7-aabbccdd-1", "1a2b3c4d"));
    f.look();
    REQUIRE(f.l->unknown().list().size() == 2);
    CHECK(f.run_turn(next) == run::state::requested);
    f.turn();
    CHECK(f.effects.asked.empty());
    for (const auto& w : {f.l->runs().find(next)->waiting, f.job(f.id).waiting}) {
        CHECK(w.cause == errc::unknown_batches);
        CHECK_FALSE(w.due_ms);
        CHECK(contains(w.reason, "2 batches at the provider are not in the ledger"));
        CHECK(contains(w.reason, "installation 1a2b3c4d made 1 of them"));
        CHECK(contains(w.reason, "`enrichctl adopt --all`"));
    }
    const auto told = f.ops.status().value();
    CHECK(told["unknown_batches"] == 2);
    REQUIRE(told["alerts"].size() == 1);
    CHECK(told["alerts"][0]["code"] == "unknown_batches");
    CHECK(told["alerts"][0]["hint"] == "enrichctl adopt");

    REQUIRE(f.ops.leave("batch_later"));
    CHECK(f.ops.leave("batch_later").value()["status"] == "already_let_go");
    CHECK_FALSE(f.job(f.id).waiting.due_ms); // there is another still
    REQUIRE(f.ops.leave("batch_second"));
    CHECK(f.job(f.id).waiting.due_ms == f.now.now);
    CHECK(f.l->runs().find(next)->waiting.due_ms == f.now.now);
    CHECK(f.woken > 0);
    CHECK(f.ops.leave("batch_nobody_knows").error().code == errc::not_found);
    f.effects.then(job::event::file_uploaded{"file-9"});
    f.turn();
    CHECK(f.effects.asked == std::vector<std::string>{"upload"});
}

TEST_CASE("a run that waits for unknown batches is in nobody's way, however far it was built", "[unknown]") {
    start_fixture f;
    f.show(f.later_life());
    f.look();
    const auto next = f.add_run();
    REQUIRE(f.l->runs().record(*f.l->runs().find(next), run::state::building, run::event::build_begun, "", {},
                               noon));
    const auto half = f.add_job(next);
    CHECK(f.run_turn(next) == run::state::building);
    CHECK_FALSE(f.l->jobs().find(half)); // its rows may be those of the batch
    f.world->content["file-in"] = "";
    const auto adopted = f.wait(f.adoptions.adopt("batch_later", f.parts().settings()));
    REQUIRE_FALSE(adopted);
    CHECK(
        contains(adopted.error().detail, "another SHA-256")); // which is looked at once nothing is in the way
}

TEST_CASE("a provider that is away holds up what would be sent, and no building", "[unknown]") {
    start_fixture f;
    f.world->list_fails = error{errc::provider_ambiguous, "502"};
    f.look();
    CHECK_FALSE(why_not_build(*f.l));
    REQUIRE(why_not_send(*f.l));
    f.turn();
    CHECK(f.effects.asked.empty());
    REQUIRE(f.l->chores().find(chore::find_unknown));
    CHECK(f.l->chores().find(chore::find_unknown)->due_ms > f.now.now);
    CHECK(f.job(f.id).waiting.reason == why_not_send(*f.l)->detail);
    CHECK(contains(why_not_send(*f.l)->detail, "the last try: 502"));
    SECTION("until it is back") {
        f.now.now += 3'600'000;
    }
    SECTION("until it is back, and a person has it asked again at once") {
        REQUIRE(f.ops.retry(job_name(f.id)));
    }
    f.world->list_fails.reset();
    f.look();
    CHECK_FALSE(why_not_send(*f.l));
    CHECK(f.job(f.id).waiting.due_ms == f.now.now);
}

TEST_CASE("a provider without a list is not waited for beyond some two hours", "[unknown]") {
    start_fixture f;
    f.world->list_fails = error{errc::provider_rejected, "no such path (HTTP 404 to GET /batches)"};
    f.turn();
    f.look();
    REQUIRE(why_not_send(*f.l)); // it may be a gateway that is restarted
    while (const auto look = f.l->chores().find(chore::find_unknown)) {
        f.now.now = look->due_ms;
        f.look();
    }
    CHECK(f.now.now - noon > 40 * 60'000);
    CHECK(f.now.now - noon < 120 * 60'000);
    CHECK(f.job(f.id).waiting.due_ms == f.now.now);
}

TEST_CASE("a batch that can be adopted once something is put right holds purchases until then", "[unknown]") {
    start_fixture f;
    auto late = f.later_life();
    SECTION("the target lacks a column") {
        f.database->not_ready = "events lacks summary_model; run: enrichctl migrate";
        f.show(late);
        f.look();
        REQUIRE(why_not_build(*f.l));
        CHECK(why_not_send(*f.l));
        CHECK(f.l->unknown().find("batch_later"));
    }
    SECTION("its files are not named yet") {
        late.status = batch_status::completed;
        late.completed = 3;
        late.created_at = f.now.now / 1000 - 3600;
        f.show(late);
        f.look();
        REQUIRE(why_not_build(*f.l));
        SECTION("and never are") {
            f.now.now += 26 * 3'600'000LL;
            REQUIRE(f.wait(f.ops.adoptable()));
            CHECK_FALSE(why_not_build(*f.l));
            CHECK(f.woken > 0);
        }
    }
    SECTION("it ends with nothing after all") {
        f.show(late);
        f.look();
        REQUIRE(why_not_build(*f.l));
        auto& b = f.world->pages.back().batches.back();
        b.status = batch_status::cancelled;
        SECTION("and is listed") {
            REQUIRE(f.wait(f.ops.adoptable()));
        }
        SECTION("and adopted") {
            CHECK(f.wait(f.ops.adopt("batch_later")).error().code == errc::state_conflict);
        }
        CHECK_FALSE(why_not_build(*f.l));
        CHECK(f.woken > 0);
    }
}

TEST_CASE("what a person let go, and what is not to be had, stays out of the way at later starts",
          "[unknown]") {
    start_fixture f;
    f.show(f.later_life());
    auto other = f.later_life();
    other.id = "batch_elsewhere";
    other.metadata["enrichd_target"] = target_mark("sqlite:other/events");
    f.show(other);
    f.look();
    REQUIRE(f.l->unknown().list().size() == 1);
    REQUIRE(f.ops.leave("batch_later"));
    f.chores.begin();
    REQUIRE(why_not_build(*f.l)); // a new life
    f.look();
    CHECK_FALSE(f.l->unknown().any());
    CHECK_FALSE(why_not_build(*f.l));
    const auto list = f.wait(f.ops.adoptable()).value();
    CHECK(list["batches"][0]["let_go"] == true);
}

TEST_CASE("the list is read no further than results live", "[unknown]") {
    start_fixture f;
    auto& pages = f.world->pages;
    pages = {{{f.later_life()}, true}, {{}, true}, {{f.later_life()}, false}};
    for (int n = 0; n < 2; ++n) {
        auto old = f.later_life();
        old.id = "batch_old" + std::to_string(n);
        old.created_at = (f.now.now - 31 * day_ms) / 1000 - n;
        pages[1].batches.push_back(old);
    }
    pages[2].batches[0].id = "batch_older";
    f.look();
    CHECK(f.world->calls.size() == 2);
    CHECK_FALSE(f.l->unknown().find("batch_older"));
}
