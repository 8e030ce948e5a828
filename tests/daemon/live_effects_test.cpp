// SPDX-License-Identifier: Apache-2.0
#include "daemon/live_effects.hpp"

#include "tests/support/await.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_provider.hpp"
#include "tests/support/fake_target.hpp"
#include "tests/support/ledger_fixture.hpp"
#include "tests/support/manual_clock.hpp"

#include <boost/asio/thread_pool.hpp>

using namespace enrichd;
using namespace enrichd::test;
namespace effect = enrichd::job::effect;
namespace event = enrichd::job::event;

namespace {

constexpr auto ours = "ed1-00000000-1-1";
constexpr std::int64_t noon_s = noon / 1000;

batch_object listed(const std::string& id, std::int64_t created_at, const std::string& submission = "other") {
    batch_object b;
    b.id = id;
    b.status = batch_status::in_progress;
    b.created_at = created_at;
    b.input_file_id = "file-of-" + id;
    if (!submission.empty()) b.metadata = {{"enrichd_submission", submission}};
    return b;
}

struct effects_fixture : ledger_fixture {
    boost::asio::io_context loop;
    boost::asio::thread_pool pool{1};
    manual_clock now{noon};
    spool files{folder.path()};
    std::shared_ptr<fake_provider> world = std::make_shared<fake_provider>();
    live_effects effects{*l, files, now, pool.get_executor()};
    std::int64_t id = add_job(add_open_run());

    effects_fixture() {
        effects.set_world(world, std::make_shared<fake_target>());
        effects.set_looks(4);
    }
    effect_outcome perform(const effect::any& what) {
        return enrichd::tests::await(loop, effects.perform(what, job(id)));
    }
    effect_outcome look(std::int64_t looks = 0) {
        return perform(effect::find_batch{ours, "file-1", noon, looks});
    }
    // With counts as the provider told them. What it is put off for is remembered, as the driver does.
    effect_outcome fetch(std::int64_t completed, std::int64_t failed) {
        auto row = job(id);
        row.counts = batch_counts{completed + failed, completed, failed};
        row.waiting = before;
        const auto outcome = enrichd::tests::await(
            loop, effects.perform(effect::fetch{"batch_1", "file-out", "file-err"}, row));
        if (const auto* why = std::get_if<effect_postponed>(&outcome)) note_failure(why->why);
        return outcome;
    }
    void note_failure(const error& e) {
        ++before.failures;
        before.signs = with_sign(before.signs, e.sign);
    }
    waiting before;
};

template <class E>
E came(const effect_outcome& o) {
    REQUIRE(std::holds_alternative<effect_done>(o));
    const auto& e = std::get<effect_done>(o).event;
    REQUIRE(std::holds_alternative<E>(e));
    return std::get<E>(e);
}

error put_off(const effect_outcome& o) {
    REQUIRE(std::holds_alternative<effect_postponed>(o));
    return std::get<effect_postponed>(o).why;
}

} // namespace

TEST_CASE("a batch of ours is found on whatever page of the list it is", "[live_effects]") {
    effects_fixture f;
    f.world->pages = {{{listed("b5", noon_s + 50), listed("b4", noon_s + 40)}, true},
                      {{listed("b3", noon_s + 30), listed("b2", noon_s + 20, ours)}, true},
                      {{listed("b1", noon_s - 90'000)}, false}};
    CHECK(came<event::batch_created>(f.look()).batch_id == "b2");
}

TEST_CASE("a list that is newest first is not read past the intent", "[live_effects]") {
    effects_fixture f;
    f.world->pages = {{{listed("b9", noon_s + 9), listed("b8", noon_s + 8)}, true},
                      {{listed("b7", noon_s - 90'000), listed("b6", noon_s - 90'001)}, true},
                      {{listed("b5", noon_s - 90'002, ours)}, false}};
    CHECK_FALSE(came<event::batch_not_found>(f.look()).last_look);
    CHECK(f.world->calls == std::vector<std::string>{"list ", "list b8"});
    CHECK(came<event::batch_not_found>(f.look(3)).last_look);
}

TEST_CASE("a list that is oldest first is read to its end", "[live_effects]") {
    effects_fixture f;
    f.world->pages = {{{listed("b1", noon_s - 90'000), listed("b2", noon_s - 80'000)}, true},
                      {{listed("b3", noon_s + 1), listed("b4", noon_s + 2, ours)}, false}};
    CHECK(came<event::batch_created>(f.look()).batch_id == "b4");
}

TEST_CASE("a server that gives the same page again and again is asked twice", "[live_effects]") {
    effects_fixture f;
    f.world->pages = {{{listed("b2", noon_s + 2), listed("b1", noon_s + 1)}, true}};
    (void)came<event::batch_not_found>(f.look());
    CHECK(f.world->calls.size() == 2);
}

TEST_CASE("where a server drops metadata, the file tells a batch of ours, unless it failed",
          "[live_effects]") {
    effects_fixture f;
    auto failed = listed("b1", noon_s + 1, "");
    failed.status = batch_status::failed;
    auto live = listed("b2", noon_s + 2, "");
    failed.input_file_id = live.input_file_id = "file-1";
    f.world->pages = {{{live, failed}, false}};
    CHECK(came<event::batch_created>(f.look()).batch_id == "b2");
    CHECK(f.world->calls == std::vector<std::string>{"list "});
    f.world->pages = {{{failed}, false}};
    (void)came<event::batch_not_found>(f.look());
}

TEST_CASE("of two batches of one submission the older is kept once the other is cancelled",
          "[live_effects]") {
    effects_fixture f;
    f.world->pages = {{{listed("b2", noon_s + 2, ours), listed("b1", noon_s + 1, ours)}, false}};
    SECTION("and until that is sure, nothing is adopted") {
        f.world->refusals = {{errc::provider_ambiguous, "502"}};
        CHECK(put_off(f.look()).code == errc::provider_ambiguous);
    }
    const auto found = f.look();
    CHECK(came<event::batch_created>(found).batch_id == "b1");
    CHECK(f.world->calls.back() == "cancel b2");
    REQUIRE(std::get<effect_done>(found).twins.size() == 1);
    CHECK(std::get<effect_done>(found).twins[0].id == "b2");
}

TEST_CASE("a batch that does its work is kept before one that does not", "[live_effects]") {
    effects_fixture f;
    auto lost = listed("b1", noon_s + 1, ours);
    lost.status = batch_status::failed;
    f.world->pages = {{{listed("b2", noon_s + 2, ours), lost}, false}};
    CHECK(came<event::batch_created>(f.look()).batch_id == "b2");
    CHECK(f.world->calls == std::vector<std::string>{"list "}); // what failed needs no cancelling
}

TEST_CASE("results that are shorter than the provider counts are fetched again before they count",
          "[live_effects]") {
    effects_fixture f;
    f.world->content = {{"file-out", "{\"custom_id\":\"a\"}\n{\"custom_id\":\"b\"}\n\n"}, {"file-err", "{}"}};
    for (int i = 0; i < 50; ++i)
        f.note_failure({errc::provider_ambiguous, "502"}); // an outage is no proof that they are short
    CHECK(put_off(f.fetch(3, 2)).code == errc::provider_invalid);
    for (int i = 0; i < 4; ++i)
        CHECK(put_off(f.fetch(3, 1)).code == errc::provider_invalid);
    CHECK(came<event::results_fetched>(f.fetch(3, 1)).has_output); // it stays so: what it lacks is missing
    CHECK(came<event::results_fetched>(f.fetch(2, 1)).has_errors);
}

TEST_CASE("a file that the provider lost is uploaded again, after it was asked for often enough",
          "[live_effects]") {
    effects_fixture f;
    f.put(f.id, job::intent_submit{ours, "file-1", noon});
    const error lost{errc::provider_rejected,
                     "Cannot find file file-1, or project p does not have access to it."};
    const auto create = [&] {
        f.world->refusals = {lost};
        auto row = f.job(f.id);
        row.waiting = f.before;
        return enrichd::tests::await(f.loop, f.effects.perform(effect::create_batch{"file-1"}, row));
    };
    for (int i = 0; i < 7; ++i)
        f.note_failure(came<event::batch_postponed>(create()).why);
    f.note_failure({errc::provider_busy, "429"}); // an outage: what is said around it is no proof
    for (int i = 0; i < 8; ++i)
        f.note_failure(came<event::batch_postponed>(create()).why);
    (void)came<event::file_not_found>(create());
}

TEST_CASE("before a batch that was refused is asked for again, the list is looked through for it",
          "[live_effects]") {
    effects_fixture f;
    f.put(f.id, job::intent_submit{ours, "file-1", noon});
    f.world->made = listed("b_new", noon_s + 9, ours);
    f.world->pages = {{{listed("b1", noon_s, ours)}, false}};
    const auto create = [&] {
        auto row = f.job(f.id);
        row.waiting = f.before;
        return enrichd::tests::await(f.loop, f.effects.perform(effect::create_batch{"file-1"}, row));
    };
    CHECK(came<event::batch_created>(create()).batch_id == "b_new"); // the first try needs no look
    CHECK(f.world->calls == std::vector<std::string>{"create"});
    f.note_failure({errc::provider_busy, "429"});
    SECTION("one that was made after all is taken") {
        CHECK(came<event::batch_created>(create()).batch_id == "b1");
        CHECK(f.world->calls.back() == "list ");
    }
    SECTION("while the list cannot be read, nothing is asked for") {
        f.world->list_fails = error{errc::provider_ambiguous, "502"};
        CHECK(came<event::batch_postponed>(create()).why.code == errc::provider_ambiguous);
        CHECK(f.world->calls.back() == "list ");
    }
    SECTION("where there is none, it is asked for again") {
        f.world->pages.clear();
        CHECK(came<event::batch_created>(create()).batch_id == "b_new");
    }
    SECTION("where there is no list, the refusal is believed") {
        f.world->list_fails = error{errc::provider_rejected, "no (HTTP 404 to GET /batches)"};
        CHECK(came<event::batch_created>(create()).batch_id == "b_new");
    }
}

TEST_CASE("a request file that cannot be read now is no reason to give the job up", "[live_effects]") {
    effects_fixture f;
    f.put(f.id, job::intent_upload{ours});
    (void)came<event::file_refused>(f.perform(effect::upload{})); // it is not there
    std::filesystem::create_directory(f.files.request_file(f.job(f.id).plan.file_name));
    CHECK(put_off(f.perform(effect::upload{})).code == errc::io);
}

TEST_CASE("a request file that is not the one that was built is never sent, and the way out is said",
          "[live_effects]") {
    effects_fixture f;
    f.put(f.id, job::intent_upload{ours});
    const auto file = f.files.request_file(f.job(f.id).plan.file_name);
    const std::string built(1000, 'x');
    auto plan = f.job(f.id).plan;
    plan.file_sha256 = to_hex(sha256::of(built));
    f.l->jobs().set_plan(f.id, plan);
    const auto refusal = [&] {
        auto reason = came<event::file_refused>(f.perform(effect::upload{})).reason;
        CHECK(reason.find("enrichctl run or build") != std::string::npos);
        CHECK(reason.find(file.string()) == 0);
        CHECK(f.world->calls.empty());
        return reason;
    };
    CHECK(refusal().find("not there any more") != std::string::npos);
    write_file(file, built.substr(1));
    CHECK(refusal().find("has 999 bytes, and had 1000") != std::string::npos);
    write_file(file, built.substr(1) + "y");
    CHECK(refusal().find("SHA-256") != std::string::npos);
    write_file(file, built);
    (void)came<event::file_uploaded>(f.perform(effect::upload{}));
}

TEST_CASE("a wish to cancel that the provider refuses is kept, unless the batch has ended",
          "[live_effects]") {
    effects_fixture f;
    auto b = listed("b1", noon_s);
    const auto cancel = [&] {
        f.world->pages = {{{b}, false}};
        f.world->calls.clear();
        return f.perform(effect::cancel_batch{"b1"});
    };
    CHECK(came<event::cancel_sent>(cancel()).batch.status == batch_status::cancelling);
    CHECK(f.world->calls == std::vector<std::string>{"cancel b1"});

    f.world->refusals = {{errc::provider_rejected, "not now"}};
    CHECK(put_off(cancel()).detail == "not now");
    CHECK(f.world->calls == std::vector<std::string>{"cancel b1", "get b1"});

    b.status = batch_status::completed;
    f.world->refusals = {{errc::provider_rejected, "it has ended"}};
    CHECK(came<event::batch_seen>(cancel()).batch.status == batch_status::completed);

    f.world->refusals = {{errc::provider_busy, "429"}};
    CHECK(put_off(cancel()).code == errc::provider_busy);
    CHECK(f.world->calls == std::vector<std::string>{"cancel b1"});
}
