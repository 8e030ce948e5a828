// When the files at the provider are owed a delete, and which of them are nobody's any more.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/remote_files.hpp"

#include "daemon/sweeper.hpp"
#include "tests/support/driver_fixture.hpp"
#include "tests/support/fake_provider.hpp"

using namespace enrichd;
using namespace enrichd::test;
namespace event = enrichd::job::event;

namespace {

struct files_fixture : driver_fixture {
    std::shared_ptr<fake_provider> provider = std::make_shared<fake_provider>();
    bool deletes_results = true;

    void sweep() {
        sweeper s(
            *l, now, [] { return 0.5; }, [] {});
        s.set_client(provider);
        s.delete_results(deletes_results);
        enrichd::tests::await(loop, [](sweeper& of) -> boost::asio::awaitable<bool> {
            co_await of.sweep();
            co_return true;
        }(s));
    }
    void upload() {
        world.then(event::file_uploaded{"file-in"}, "file-in");
        turn();
    }
    void fetch() {
        auto p = running();
        p.status = batch_status::completed;
        p.output_file_id = "file-out";
        p.error_file_id = "file-err";
        put(id, p);
        world.then(event::results_fetched{true, true});
        turn();
    }
    std::vector<std::string> deleted() {
        sweep();
        auto all = provider->calls;
        std::sort(all.begin(), all.end());
        return all;
    }
};

const std::vector<std::string> nothing;

} // namespace

TEST_CASE("the provider's files are deleted once all is merged, and not before", "[remote_files]") {
    files_fixture f;
    f.upload();
    CHECK(f.deleted() == nothing);
    f.fetch();
    CHECK(f.deleted() == nothing);
    f.world.then(event::slice_merged{{job::merge_cursor::part::rest, 0, 1}});
    f.turn();
    f.restart();
    CHECK(f.deleted() == nothing);
    f.world.then(event::all_merged{});
    f.turn();
    f.restart();
    SECTION("all of them") {
        CHECK(f.deleted() ==
              std::vector<std::string>{"delete file-err", "delete file-in", "delete file-out"});
    }
    SECTION("but the results where they are to stay") {
        f.deletes_results = false;
        CHECK(f.deleted() == std::vector<std::string>{"delete file-in"});
    }
    CHECK_FALSE(f.l->chores().next_due());
}

TEST_CASE("results that were given up before their merge are not deleted", "[remote_files]") {
    files_fixture f;
    f.upload();
    f.fetch();
    f.wish(job::goal::merged, job::cancel_reason::abandon);
    f.turn();
    CHECK(f.state() == "failed");
    CHECK(f.deleted() == nothing);
}

TEST_CASE("the request file of a job that ended without a batch is deleted", "[remote_files]") {
    files_fixture f;
    f.upload();
    SECTION("cancelled") {
        f.wish(job::goal::merged, job::cancel_reason::user);
        f.turn();
    }
    SECTION("refused") {
        f.world.then(event::batch_refused{"bad"});
        f.turn();
    }
    CHECK(job::has_ended(f.job(f.id).state));
    CHECK(f.deleted() == std::vector<std::string>{"delete file-in"});
}

TEST_CASE("a request file of which a batch may have been made unseen stays", "[remote_files]") {
    files_fixture f;
    f.upload();
    f.put(f.id, enrichd::test::one_of_each_state()[4]);
    f.wish(job::goal::merged, job::cancel_reason::user);
    f.world.then(event::batch_not_found{true});
    f.turn();
    f.turn();
    CHECK(f.state() == "cancelled");
    CHECK(f.deleted() == nothing);
}

TEST_CASE("a delete that cannot be done now is done later; one that the provider does not know is dropped",
          "[remote_files]") {
    files_fixture f;
    f.l->chores().owe({chore::delete_input, "file-in", f.id, f.now.now, 0});
    f.provider->refusals = {{errc::provider_ambiguous, "502"}};
    f.sweep();
    REQUIRE(f.l->chores().next_due());
    CHECK(*f.l->chores().next_due() > f.now.now);
    f.now.now += 600'000;
    f.provider->refusals = {{errc::provider_rejected, "405 Method Not Allowed"}};
    f.sweep();
    CHECK_FALSE(f.l->chores().next_due());
    CHECK(f.provider->calls == std::vector<std::string>{"delete file-in", "delete file-in"});
}

TEST_CASE("request files of ours that no job needs are swept once a day", "[remote_files]") {
    files_fixture f;
    f.upload();
    const auto own = submission_id(f.l->installation(), f.job(f.id), 1) + ".jsonl";
    const auto ended = f.add_job(f.job(f.id).plan.run_id);
    f.put(ended, job::failed{"no"});
    const auto orphan = submission_id(f.l->installation(), f.job(ended), 1) + ".jsonl";
    const auto old = noon / 1000 - 3 * 24 * 3600, young = noon / 1000 - 24 * 3600;
    f.provider->files = {{"a", own, 1, old},
                         {"b", orphan, 1, old},
                         {"c", orphan, 1, young},
                         {"d", submission_id("ffffffff", f.job(ended), 1) + ".jsonl", 1, old},
                         {"e", "ed1-" + f.l->installation() + "-notes.jsonl", 1, old}};
    f.l->chores().owe({chore::sweep_files, "", 0, f.now.now, 0});
    f.sweep();
    const auto prefix = "files ed1-" + f.l->installation() + "-";
    CHECK(f.provider->calls == std::vector<std::string>{prefix, "delete b"});
    CHECK(f.l->chores().next_due() == f.now.now + 24 * hour);

    f.put(f.id, job::cancelled{}); // its own file is an orphan now
    f.now.now += 24 * hour;
    f.provider->calls.clear();
    f.provider->files = {{"a", own, 1, old}};
    f.sweep();
    CHECK(f.provider->calls == std::vector<std::string>{prefix, "delete a"});
}

TEST_CASE("a request file of a job that the ledger does not know may be the input of a batch, and stays",
          "[remote_files]") {
    files_fixture f;
    f.put(f.id, job::cancelled{});
    auto later = f.job(f.id); // as the same number had it in a life that was put back since
    later.mark = "00ff00ff";
    auto never = f.job(f.id);
    never.id += 1000;
    const auto old = noon / 1000 - 3 * 24 * 3600;
    f.provider->files = {{"a", submission_id(f.l->installation(), later, 1) + ".jsonl", 1, old},
                         {"b", submission_id(f.l->installation(), never, 1) + ".jsonl", 1, old}};
    f.l->chores().owe({chore::sweep_files, "", 0, f.now.now, 0});
    f.sweep();
    CHECK(f.provider->calls == std::vector<std::string>{"files ed1-" + f.l->installation() + "-"});
}

TEST_CASE("a provider without a list of files is asked again the next day, and not before",
          "[remote_files]") {
    files_fixture f;
    f.l->chores().owe({chore::sweep_files, "", 0, f.now.now, 0});
    f.provider->files_fail = error{errc::provider_rejected, "404"};
    f.sweep();
    CHECK(f.l->chores().next_due() == f.now.now + 24 * hour);
}
