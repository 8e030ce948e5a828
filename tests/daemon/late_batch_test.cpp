// Batches that show up after their job ended without one: what they answer was paid for, and is merged.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/purchase_gate.hpp"
#include "daemon/submission_name.hpp"
#include "daemon/sweeper.hpp"
#include "tests/support/await.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_provider.hpp"
#include "tests/support/ledger_fixture.hpp"
#include "tests/support/manual_clock.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>

using namespace enrichd;
using namespace enrichd::test;

namespace {

struct late_fixture : ledger_fixture {
    boost::asio::io_context loop;
    manual_clock now{noon + 1000};
    std::shared_ptr<fake_provider> world = std::make_shared<fake_provider>();
    std::int64_t id = add_job(add_open_run());
    std::vector<std::string> asked; ///< batches that were to be taken in
    std::int64_t rows = 3;          ///< that the taken one's results are for
    std::optional<error> obstacle;
    std::string only_bill_of; ///< the batch whose answers are gone

    late_fixture() { owe_look(); }
    void owe_look() { l->chores().owe({chore::find_twins, job_name(id), id, now.now, 0}); }

    // What the adopter does: a job of its own for the batch, or the one that it has.
    result<adoption> take(const std::string& batch_id) {
        asked.push_back(batch_id);
        if (obstacle) return *obstacle;
        adoption a;
        a.rows = rows;
        a.only_booked = batch_id == only_bill_of;
        if (const auto known = l->jobs().find_batch(batch_id)) {
            a.was_known = true;
            a.job_id = known->id;
            return a;
        }
        a.job_id = add_job(add_open_run());
        put(a.job_id, job::submitted{"ed1-adopted", "file-1", batch_id, noon / 1000});
        return a;
    }
    boost::asio::awaitable<result<adoption>> taken(std::string batch_id) { co_return take(batch_id); }

    void sweep() {
        sweeper s(
            *l, now, [] { return 0.5; }, [] {});
        s.set_client(world);
        s.set_taker([this](std::string batch_id) { return taken(std::move(batch_id)); });
        enrichd::tests::await(loop, [](sweeper& of) -> boost::asio::awaitable<bool> {
            co_await of.sweep();
            co_return true;
        }(s));
    }
    batch_object batch(const std::string& batch_id, batch_status status) {
        batch_object b;
        b.id = batch_id;
        b.status = status;
        b.created_at = noon / 1000;
        b.metadata = {{"enrichd_submission", submission_id(l->installation(), job(id), 1)}};
        return b;
    }
    void show(std::vector<batch_object> list) { world->pages = {{std::move(list), false}}; }
    void end_as(const job::state& s) { put(id, s); }
    job::cancel_reason wish_for(const std::string& batch_id) {
        return l->jobs().find_batch(batch_id).value().wishes.cancel;
    }
    bool stopped_any() const {
        for (const auto& call : world->calls)
            if (call.starts_with("cancel ")) return true;
        return false;
    }
};

} // namespace

TEST_CASE("a batch that shows up after its job failed without one is taken in, and goes on", "[late]") {
    late_fixture f;
    SECTION("the second request for one was refused") {
        f.end_as(job::failed{"no such file"});
    }
    SECTION("the job's own batch failed before it did anything") {
        f.end_as(job::submitted{"ed1-1", "file-1", "batch_1", noon / 1000});
        f.end_as(job::failed{"the provider failed the batch"});
        REQUIRE(f.job(f.id).batch_id == "batch_1");
    }
    auto dead = f.batch("batch_1", batch_status::failed);
    f.show({f.batch("batch_late", batch_status::in_progress), dead});
    f.sweep();
    CHECK(f.asked == std::vector<std::string>{"batch_late"});
    CHECK(f.wish_for("batch_late") == job::cancel_reason::none);
    CHECK_FALSE(f.stopped_any());
    CHECK(f.l->twins().of_job(f.id).empty());
    CHECK_FALSE(f.l->chores().next_due());
}

TEST_CASE("of several batches that show up late one is taken in, and the others are its twins", "[late]") {
    late_fixture f;
    f.end_as(job::failed{"refused"});
    auto younger = f.batch("batch_younger", batch_status::in_progress);
    younger.created_at += 60;
    f.show({younger, f.batch("batch_late", batch_status::in_progress)});
    f.sweep();
    CHECK(f.asked == std::vector<std::string>{"batch_late"});
    const auto twins = f.l->twins().of_job(f.id);
    REQUIRE(twins.size() == 1);
    CHECK(twins[0].batch_id == "batch_younger");
    CHECK(twins[0].kept_batch == "batch_late");
    CHECK(f.stopped_any());
}

TEST_CASE("a late batch that nobody wants any more is taken in, and cancelled", "[late]") {
    late_fixture f;
    SECTION("the user cancelled its job") {
        f.l->jobs().wish(f.job(f.id), {job::goal::merged, job::cancel_reason::user}, "cancel_asked", noon);
        f.end_as(job::cancelled{});
    }
    SECTION("other jobs have all of its rows") {
        f.end_as(job::failed{"refused"});
        f.rows = 0;
    }
    f.show({f.batch("batch_late", batch_status::in_progress)});
    f.sweep();
    CHECK(f.wish_for("batch_late") == job::cancel_reason::user);
    CHECK(f.l->twins().of_job(f.id).empty());
}

TEST_CASE("a crash between taking a late batch in and wishing it cancelled loses no wish", "[late]") {
    late_fixture f;
    f.end_as(job::failed{"refused"});
    f.rows = 0;
    REQUIRE(f.take("batch_late"));
    f.show({f.batch("batch_late", batch_status::in_progress)});
    f.sweep();
    CHECK(f.wish_for("batch_late") == job::cancel_reason::user);
    CHECK(f.l->twins().of_job(f.id).empty());
}

TEST_CASE("a late batch that has ended is not cancelled, whoever wants it", "[late]") {
    late_fixture f;
    f.end_as(job::failed{"refused"});
    f.rows = 0;
    const auto taken = f.take("batch_late").value();
    auto ended = std::get<job::polling>(one_of_each_state()[6]);
    ended.batch_id = "batch_late";
    ended.status = batch_status::completed;
    f.put(taken.job_id, ended);
    f.show({f.batch("batch_late", batch_status::completed)});
    f.sweep();
    CHECK(f.wish_for("batch_late") == job::cancel_reason::none);
}

TEST_CASE("a late batch that cannot be taken in now is left at work until it can", "[late]") {
    for (const auto why : {errc::unavailable, errc::target_unavailable, errc::provider_ambiguous}) {
        late_fixture f;
        f.end_as(job::failed{"refused"});
        f.obstacle = error{why, "not now"};
        f.show({f.batch("batch_late", batch_status::in_progress)});
        f.sweep();
        CHECK_FALSE(f.stopped_any());
        REQUIRE(f.l->chores().next_due());
        f.obstacle.reset();
        f.now.now = *f.l->chores().next_due();
        f.sweep();
        CHECK(f.l->jobs().find_batch("batch_late"));
        CHECK_FALSE(f.l->chores().next_due());
    }
}

TEST_CASE("a late batch whose files are not named yet is waited for, though not for ever", "[late]") {
    late_fixture f;
    f.end_as(job::failed{"refused"});
    auto b = f.batch("batch_late", batch_status::completed);
    b.completed = 3;
    f.show({b});
    f.sweep();
    CHECK(f.asked.empty());
    REQUIRE(f.l->chores().next_due());
    SECTION("until they are") {
        b.output_file_id = "file-out";
        f.show({b});
        f.now.now = *f.l->chores().next_due();
        f.sweep();
        CHECK(f.l->jobs().find_batch("batch_late"));
    }
    SECTION("until nobody would wait any more") {
        f.now.now = noon + 26 * 3'600'000LL;
        f.obstacle = error{errc::state_conflict, "the provider names no file of results"};
        f.sweep();
        CHECK(f.l->twins().of_job(f.id).size() == 1);
    }
    CHECK_FALSE(f.l->chores().next_due());
}

TEST_CASE("a late batch that can never be taken in is stopped and booked, and holds nothing up", "[late]") {
    for (const auto why : {errc::state_conflict, errc::not_found}) {
        late_fixture f;
        f.end_as(job::failed{"refused"});
        f.obstacle = error{why, "it was made for another target"};
        f.l->unknown().put({"batch_late", f.l->installation(), 3, noon, noon});
        REQUIRE(why_not_build(*f.l));
        f.show({f.batch("batch_late", batch_status::in_progress)});
        f.sweep();
        CHECK(f.stopped_any());
        CHECK(f.l->twins().of_job(f.id).size() == 1);
        CHECK_FALSE(why_not_build(*f.l));
    }
}

TEST_CASE("a late batch of a job that was given up, or has its answers, is stopped", "[late]") {
    late_fixture f;
    SECTION("given up") {
        f.end_as(job::failed{std::string(job::given_up)});
    }
    SECTION("merged") {
        f.end_as(job::merged{"batch_1"});
    }
    f.show({f.batch("batch_late", batch_status::in_progress)});
    f.sweep();
    CHECK(f.asked.empty());
    CHECK(f.stopped_any());
    CHECK(f.l->twins().of_job(f.id).size() == 1);
}

TEST_CASE("a late batch of which only the bill is left keeps nobody from the answers of another", "[late]") {
    late_fixture f;
    f.end_as(job::failed{"no such file"});
    f.only_bill_of = "batch_2";
    auto other = f.batch("batch_3", batch_status::in_progress);
    other.created_at += 1;
    f.show({f.batch("batch_2", batch_status::completed), other});
    f.sweep();
    CHECK(f.asked == std::vector<std::string>{"batch_2", "batch_3"});
    CHECK(f.l->jobs().find_batch("batch_3"));
    CHECK(f.l->twins().of_job(f.id).empty());
    CHECK_FALSE(f.stopped_any());
}
