// Batches that were made twice: found late, stopped, followed to their end, and booked once.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/sweeper.hpp"

#include "daemon/submission_name.hpp"
#include "daemon/twins.hpp"
#include "tests/support/await.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_provider.hpp"
#include "tests/support/ledger_fixture.hpp"
#include "tests/support/manual_clock.hpp"

#include <boost/asio/io_context.hpp>

using namespace enrichd;
using namespace enrichd::test;

namespace {

struct sweeper_fixture : ledger_fixture {
    boost::asio::io_context loop;
    manual_clock now{noon + 1000};
    std::shared_ptr<fake_provider> world = std::make_shared<fake_provider>();
    std::int64_t id = add_job(add_open_run());
    std::string ours = submission_id(l->installation(), job(id), 1);

    sweeper_fixture() {
        auto p = std::get<job::polling>(one_of_each_state()[6]);
        p.status = batch_status::completed;
        put(id, p);
        owe_look();
    }
    void owe_look() { l->chores().owe({chore::find_twins, job_name(id), id, now.now, 0}); }

    std::vector<std::int64_t> reported; ///< runs of which the report was written anew
    std::optional<error> report_fails;

    boost::asio::awaitable<result<void>> report(std::int64_t run_id) {
        if (report_fails) co_return *report_fails;
        reported.push_back(run_id);
        co_return result<void>{};
    }
    void end_run() {
        put(id, job::merged{"batch_1"});
        REQUIRE(l->runs().record(*l->runs().find(run()), run::state::done, run::event::finished, "", {},
                                 now.now));
    }

    // Everything that is due, as a daemon would that has just started on this file.
    void sweep() {
        sweeper s(
            *l, now, [] { return 0.5; }, [] {});
        s.set_client(world);
        s.set_reporter([this](std::int64_t run_id) { return report(run_id); });
        enrichd::tests::await(loop, [](sweeper& of) -> boost::asio::awaitable<bool> {
            co_await of.sweep();
            co_return true;
        }(s));
    }
    batch_object listed(const std::string& batch_id, batch_status status, const std::string& submission) {
        batch_object b;
        b.id = batch_id;
        b.status = status;
        b.created_at = noon / 1000;
        b.metadata = {{"enrichd_submission", submission}};
        return b;
    }
    batch_object own() { return listed("batch_1", batch_status::completed, ours); }
    void show(std::vector<batch_object> list) { world->pages = {{std::move(list), false}}; }
    std::int64_t run() { return job(id).plan.run_id; }
};

} // namespace

TEST_CASE("a twin that shows up late is stopped, followed, and booked once at its end", "[sweeper]") {
    sweeper_fixture f;
    f.show({f.listed("batch_2", batch_status::in_progress, f.ours), f.own()});
    f.sweep();
    CHECK(f.world->calls ==
          std::vector<std::string>{"list ", "cancel batch_2", "get batch_2", "cancel batch_2"});
    auto twins = f.l->twins().of_job(f.id);
    REQUIRE(twins.size() == 1);
    CHECK(twins[0].batch_id == "batch_2");
    CHECK(twins[0].kept_batch == "batch_1");
    CHECK_FALSE(twins[0].ended);
    CHECK(f.l->unproven_of_run(f.run()) == f.job(f.id).plan.totals.bound); // until it is known

    auto ended = f.listed("batch_2", batch_status::cancelled, f.ours);
    ended.completed = 2;
    ended.usage = token_usage{200, 0, 40, 0};
    f.show({ended, f.own()});
    f.reopen();
    f.now.now += 600'000;
    f.sweep();
    twins = f.l->twins().of_job(f.id);
    CHECK(twins[0].ended);
    CHECK(twins[0].completed == 2);
    const money cost{200 * 75'000 + 40 * 300'000};
    CHECK(twins[0].cost == cost);
    CHECK(f.job(f.id).actual == cost);
    CHECK(f.l->spent_of_run(f.run()) == cost);
    CHECK(f.l->unproven_of_run(f.run()) == money{});
    CHECK_FALSE(f.l->chores().next_due());

    f.owe_look(); // found again, it is not booked again
    f.sweep();
    CHECK(f.job(f.id).actual == cost);
}

TEST_CASE("a twin that may not be cancelled any more is recorded, and followed to its end", "[sweeper]") {
    sweeper_fixture f;
    auto twin = f.listed("batch_2", batch_status::finalizing, f.ours);
    f.show({twin, f.own()});
    const error refused{errc::provider_rejected,
                        "it is finalizing (HTTP 409 to POST /batches/batch_2/cancel)"};
    f.world->refusals = {refused, refused};
    f.sweep();
    REQUIRE(f.l->twins().of_job(f.id).size() == 1);
    CHECK_FALSE(f.l->twins().of_job(f.id)[0].ended);
    CHECK(f.l->chores().next_due()); // to follow it

    twin.status = batch_status::completed;
    twin.completed = 2;
    twin.usage = token_usage{200, 0, 40, 0};
    f.show({twin, f.own()});
    f.now.now += 3'600'000;
    f.sweep();
    CHECK(f.l->twins().of_job(f.id)[0].ended);
    CHECK(f.job(f.id).actual == money{200 * 75'000 + 40 * 300'000});
}

TEST_CASE("no refusal but that there is nothing ends the look for a batch that may cost money", "[sweeper]") {
    for (const auto& [status, is_over] :
         {std::pair(302, false), {401, false}, {403, false}, {404, true}, {405, true}, {501, true}}) {
        CAPTURE(status);
        sweeper_fixture f;
        f.world->list_fails =
            error{errc::provider_rejected, "no (HTTP " + std::to_string(status) + " to GET /batches)"};
        for (int tries = 0; tries < 30 && f.l->chores().next_due(); ++tries) {
            f.now.now = *f.l->chores().next_due();
            f.sweep();
        }
        CHECK(f.l->chores().next_due().has_value() != is_over);
    }
}

TEST_CASE("a batch that another job has is nobody's twin", "[sweeper]") {
    sweeper_fixture f;
    const auto other = f.add_job(f.run());
    auto p = std::get<job::polling>(one_of_each_state()[6]);
    p.batch_id = "batch_2";
    f.put(other, p);
    f.show({f.listed("batch_2", batch_status::in_progress, f.ours), f.own()});
    f.sweep();
    CHECK(f.world->calls == std::vector<std::string>{"list "});
    CHECK(f.l->twins().of_job(f.id).empty());
}

TEST_CASE("a twin that ended with work and tells no usage may have cost the bound; one without work nothing",
          "[sweeper]") {
    sweeper_fixture f;
    auto twin = f.listed("batch_2", batch_status::completed, f.ours);
    SECTION("work") {
        twin.completed = 3;
        f.show({f.own(), twin});
        f.sweep();
        CHECK(f.l->unproven_of_run(f.run()) == f.job(f.id).plan.totals.bound);
    }
    SECTION("no work") {
        twin.status = batch_status::cancelled;
        f.show({f.own(), twin});
        f.sweep();
        CHECK(f.l->unproven_of_run(f.run()) == money{});
    }
    CHECK(f.l->twins().of_job(f.id).size() == 1);
    CHECK(f.job(f.id).actual == money{});
    CHECK_FALSE(f.l->chores().next_due());
}

TEST_CASE("batches of other jobs, the job's own, and what failed before it ran are no twins", "[sweeper]") {
    sweeper_fixture f;
    f.show({f.own(),
            f.listed("batch_3", batch_status::in_progress,
                     submission_id(f.l->installation(), f.job(f.add_job(f.run())), 1)),
            f.listed("batch_4", batch_status::in_progress, submission_id("ffffffff", f.job(f.id), 1)),
            f.listed("batch_5", batch_status::failed, f.ours)});
    f.sweep();
    CHECK(f.world->calls == std::vector<std::string>{"list "});
    CHECK(f.l->twins().of_job(f.id).empty());
    CHECK_FALSE(f.l->chores().next_due());
}

TEST_CASE("while the job's own batch is not known, none is taken for a twin", "[sweeper]") {
    sweeper_fixture f;
    f.put(f.id, job::submit_unknown{f.ours, "file-1", noon, 1});
    f.show({f.listed("batch_2", batch_status::in_progress, f.ours)});
    f.sweep();
    CHECK(f.world->calls == std::vector<std::string>{"list "}); // and nothing is cancelled
    CHECK(f.l->twins().of_job(f.id).empty());
    REQUIRE(f.l->chores().next_due());
    CHECK(*f.l->chores().next_due() > f.now.now);

    f.put(f.id, job::submitted{f.ours, "file-1", "batch_2", noon / 1000});
    f.now.now += 600'000;
    f.sweep();
    CHECK(f.l->twins().of_job(f.id).empty());
    CHECK_FALSE(f.l->chores().next_due());
}

TEST_CASE("an earlier submission of the job that was made after all is its twin", "[sweeper]") {
    sweeper_fixture f;
    auto done =
        f.listed("batch_2", batch_status::completed, submission_id(f.l->installation(), f.job(f.id), 2));
    f.l->jobs().hear_of_tries(f.id, 3);
    f.show({done, f.own()});
    f.sweep();
    CHECK(f.l->twins().of_job(f.id).size() == 1);
}

TEST_CASE("a look for twins that cannot be done is tried again later, and holds nothing up", "[sweeper]") {
    sweeper_fixture f;
    const auto before = f.job(f.id);
    f.world->list_fails = error{errc::provider_ambiguous, "502"};
    std::int64_t last = 0;
    for (int n = 1; n <= 5; ++n) {
        f.sweep();
        REQUIRE(f.l->chores().next_due());
        const auto wait = *f.l->chores().next_due() - f.now.now;
        CHECK(wait > last);
        last = wait;
        f.now.now += wait;
        f.reopen();
    }
    CHECK(f.job(f.id).revision == before.revision);
    f.world->list_fails = {};
    f.show({f.own()});
    f.sweep();
    CHECK_FALSE(f.l->chores().next_due());
}

TEST_CASE("a twin that cannot be stopped keeps no other from being stopped and booked", "[sweeper]") {
    sweeper_fixture f;
    f.show({f.listed("batch_2", batch_status::in_progress, f.ours),
            f.listed("batch_3", batch_status::in_progress, f.ours), f.own()});
    f.world->refusals = {{errc::provider_busy, "429"}};
    f.sweep();
    REQUIRE(f.l->twins().of_job(f.id).size() == 1);
    CHECK(f.l->twins().of_job(f.id)[0].batch_id == "batch_3");
    f.now.now += 600'000;
    f.sweep();
    CHECK(f.l->twins().of_job(f.id).size() == 2);
}

TEST_CASE("a twin that cannot be cancelled yet is recorded by a later look", "[sweeper]") {
    sweeper_fixture f;
    f.show({f.listed("batch_2", batch_status::in_progress, f.ours), f.own()});
    f.world->refusals = {{errc::provider_busy, "429"}};
    f.sweep();
    CHECK(f.l->chores().due(f.now.now + 600'000)->what == chore::find_twins);
    f.now.now += 600'000;
    f.sweep();
    CHECK(f.l->twins().of_job(f.id).size() == 1);
}

TEST_CASE("a server without a list is not asked for ever", "[sweeper]") {
    sweeper_fixture f;
    f.world->list_fails = error{errc::provider_rejected, "404 (HTTP 404 to GET /batches)"};
    int looks = 0;
    for (; f.l->chores().next_due(); ++looks) {
        REQUIRE(looks < 30);
        f.now.now = *f.l->chores().next_due();
        f.sweep();
    }
    CHECK(f.now.now - noon > 40 * 60'000); // a gateway may answer so for a while
}

TEST_CASE("where the whole API is missing, or it fails otherwise, the look for batches is not given up",
          "[sweeper]") {
    sweeper_fixture f;
    const error missing{errc::provider_rejected, "404 (HTTP 404 to GET /batches)"};
    const error down{errc::provider_ambiguous, "down (HTTP 502 to GET /batches)"};
    const auto look = [&](const error& e, int times) {
        f.world->list_fails = e;
        for (int i = 0; i < times; ++i) {
            REQUIRE(f.l->chores().next_due());
            f.now.now = *f.l->chores().next_due();
            f.sweep();
        }
    };
    SECTION("an outage, and then a gateway that is restarted") {
        look(down, 60);
        look(missing, 24);
        look(down, 1);
        look(missing, 24);
        CHECK(f.l->chores().is_owed(chore::find_twins));
        look(missing, 1);
        CHECK_FALSE(f.l->chores().is_owed(chore::find_twins)); // it was said for an hour, and nothing else
    }
    SECTION("a gateway that knows no path at all") {
        f.world->files_fail = missing;
        look(missing, 60);
        CHECK(f.l->chores().is_owed(chore::find_twins));
        f.world->files_fail.reset();
        look(missing, 1);
        CHECK_FALSE(f.l->chores().is_owed(chore::find_twins));
    }
}

TEST_CASE("what a twin cost after its run had ended is told by the run's report, if need be by a later try",
          "[sweeper]") {
    sweeper_fixture f;
    f.end_run();
    f.show({f.listed("batch_2", batch_status::in_progress, f.ours), f.own()});
    f.sweep();
    CHECK(f.reported == std::vector<std::int64_t>{f.run()}); // it says that there is one
    f.now.now += 600'000;
    f.sweep();
    CHECK(f.reported.size() == 1); // nothing of it changed

    auto ended = f.listed("batch_2", batch_status::cancelled, f.ours);
    ended.completed = 2;
    ended.usage = token_usage{200, 0, 40, 0};
    f.show({ended, f.own()});
    f.report_fails = error{errc::disk_full, "no space left on device"};
    f.now.now += 3'600'000;
    f.sweep();
    CHECK(f.reported.size() == 1);
    CHECK(f.job(f.id).actual > money{}); // booked all the same
    CHECK(f.l->chores().is_owed(chore::write_report));

    f.report_fails = {};
    f.reopen();
    f.now.now += 3'600'000;
    f.sweep();
    CHECK(f.reported == std::vector<std::int64_t>{f.run(), f.run()});
    CHECK_FALSE(f.l->chores().next_due());
}

TEST_CASE("the report of a run that goes on is written at its end, with its twins", "[sweeper]") {
    sweeper_fixture f;
    f.show({f.listed("batch_2", batch_status::completed, f.ours), f.own()});
    f.sweep();
    CHECK(f.l->twins().of_job(f.id).size() == 1);
    CHECK(f.reported.empty());
    CHECK_FALSE(f.l->chores().is_owed(chore::write_report));
}
