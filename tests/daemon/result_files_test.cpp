// SPDX-License-Identifier: Apache-2.0
#include "daemon/result_files.hpp"

#include "core/sha256.hpp"
#include "tests/support/await.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_provider.hpp"
#include "tests/support/ledger_fixture.hpp"

#include <boost/asio/thread_pool.hpp>

using namespace enrichd;
using namespace enrichd::test;
using part = job::merge_cursor::part;

namespace {

struct results_fixture : ledger_fixture {
    boost::asio::io_context loop;
    boost::asio::thread_pool pool{1};
    spool files{folder.path()};
    std::shared_ptr<fake_provider> world = std::make_shared<fake_provider>();
    result_files results{files, pool.get_executor()};
    job_row row = job(add_job(add_open_run()));
    std::filesystem::path output = files.results_file("batch_1");
    std::filesystem::path errors = files.errors_file("batch_1");
    job::effect::merge merge;

    results_fixture() {
        world->content = {{"file-out", "the results\n"}, {"file-err", "the errors\n"}};
        batch_object batch;
        batch.id = "batch_1";
        batch.output_file_id = "file-out";
        batch.error_file_id = "file-err";
        world->pages = {{{batch}, false}};
        const auto came = enrichd::tests::await(
            loop, results.fetch(world, job::effect::fetch{"batch_1", "file-out", "file-err"}, row, 100));
        const auto fetched = std::get<job::event::results_fetched>(std::get<effect_done>(came).event);
        merge.batch_id = "batch_1";
        merge.digests = fetched.digests;
        world->calls.clear();
    }
    /// One more failure in a row, as the driver records it.
    void failed(const error& e) {
        ++row.waiting.failures;
        row.waiting.signs = with_sign(row.waiting.signs, e.sign);
    }
    effect_outcome fetch() {
        return enrichd::tests::await(
            loop, results.fetch(world, job::effect::fetch{"batch_1", "file-out", "file-err"}, row, 100));
    }
    result<void> before_merging(part where) {
        merge.from.where = where;
        return enrichd::tests::await(loop, results.keep_whole(world, merge, row));
    }
};

std::string digest(const std::string& text) {
    return to_hex(sha256::of(text));
}

} // namespace

TEST_CASE("what was fetched is known by its digests", "[result_files]") {
    results_fixture f;
    CHECK(f.merge.digests == job::result_digests{digest("the results\n"), digest("the errors\n")});
}

TEST_CASE("results that are as they were fetched cost the provider no call", "[result_files]") {
    results_fixture f;
    for (const auto where : {part::output, part::output, part::errors, part::rest})
        CHECK(f.before_merging(where));
    CHECK(f.world->calls.empty());
}

TEST_CASE("results that were altered, cut or lost since they were fetched are fetched again",
          "[result_files]") {
    results_fixture f;
    SECTION("before the first of them is merged") {}
    SECTION("while they are merged") {
        CHECK(f.before_merging(part::output));
    }
    for (const char* now_there : {"the Results\n", "the res", "", "the results\nmore\n"}) {
        CAPTURE(now_there);
        f.world->calls.clear();
        write_file(f.output, now_there);
        CHECK(f.before_merging(part::output));
        CHECK(read_file(f.output) == "the results\n");
        CHECK(f.world->calls == std::vector<std::string>{"get batch_1", "download file-out"});
    }
    std::filesystem::remove(f.output);
    CHECK(f.before_merging(part::output));
    CHECK(read_file(f.output) == "the results\n");
    write_file(f.errors, "");
    CHECK(f.before_merging(part::errors));
    CHECK(read_file(f.errors) == "the errors\n");
}

TEST_CASE("other results than were fetched first are not merged, whoever changed them", "[result_files]") {
    results_fixture f;
    f.world->content["file-out"] = "other results\n";
    std::filesystem::remove(f.output);
    for (int tries = 0; tries < 2; ++tries) {
        const auto refused = f.before_merging(part::output);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::provider_invalid);
        CHECK(refused.error().detail.find(digest("the results\n")) != std::string::npos);
    }
    CHECK(f.before_merging(part::errors)); // which nobody changed
}

TEST_CASE("results that are lost here and at the provider are told as the provider tells it",
          "[result_files]") {
    results_fixture f;
    std::filesystem::remove(f.output);
    f.world->content.erase("file-out");
    const auto gone = f.before_merging(part::output);
    REQUIRE_FALSE(gone);
    CHECK(gone.error().code == errc::provider_rejected);
    f.failed(gone.error());
    f.world->pages[0].batches[0].output_file_id.reset();
    const auto unnamed = f.before_merging(part::output);
    REQUIRE_FALSE(unnamed);
    CHECK(unnamed.error().code == errc::provider_invalid);
    f.failed(unnamed.error());

    SECTION("and after an hour of that they are gone, by whichever way") {
        for (int i = 1; i < 24; ++i)
            f.failed(unnamed.error());
        CHECK(f.before_merging(part::output).error().code == errc::not_found);
        f.world->pages[0].batches[0].output_file_id = "file-out";
        CHECK(f.before_merging(part::output).error().code == errc::provider_rejected); // said once before
        for (int i = 1; i < 24; ++i)
            f.failed(gone.error());
        CHECK(f.before_merging(part::output).error().code == errc::not_found);
        CHECK(f.before_merging(part::errors));
    }
    SECTION("and after an hour of other failures they are not") {
        for (int i = 0; i < 100; ++i)
            f.failed({errc::provider_ambiguous, "502"});
        CHECK(f.before_merging(part::output).error().code == errc::provider_invalid);
        f.world->pages[0].batches[0].output_file_id = "file-out";
        CHECK(f.before_merging(part::output).error().code == errc::provider_rejected);
    }
}

TEST_CASE("a gateway's 404 is no proof that a file of results is gone, however often it is said",
          "[result_files]") {
    results_fixture f;
    f.world->out_of_sight = {"file-out"};
    for (int i = 0; i < 100; ++i)
        f.failed(std::get<effect_postponed>(f.fetch()).why);
    std::filesystem::remove(f.output);
    CHECK(f.before_merging(part::output).error().code == errc::provider_rejected);
}

TEST_CASE("a file that the provider says is not there is asked for for an hour, and then the other has to do",
          "[result_files]") {
    results_fixture f;
    f.row.counts = batch_counts{2, 1, 1};
    const auto [gone, there] =
        GENERATE(table<std::string, std::string>({{"file-out", "file-err"}, {"file-err", "file-out"}}));
    f.world->content.erase(gone);
    for (int i = 0; i < 100; ++i)
        f.failed({errc::provider_ambiguous, "502"}); // which says nothing of it
    for (int said = 0; said < 24; ++said) {
        CAPTURE(said);
        const auto why = std::get<effect_postponed>(f.fetch()).why;
        CHECK(why.code == errc::provider_rejected);
        f.failed(why);
    }
    const auto came = f.fetch();
    const auto fetched = std::get<job::event::results_fetched>(std::get<effect_done>(came).event);
    CHECK(fetched.some_gone);
    CHECK(fetched.has_output == (there == "file-out"));
    CHECK(fetched.has_errors == (there == "file-err"));
    CHECK(fetched.digests.output.empty() == (gone == "file-out"));
}

TEST_CASE(
    "the file that is asked for last is believed to be gone by what was said of it, and not of the other",
    "[result_files]") {
    results_fixture f;
    f.world->content.clear();
    int said = 0;
    for (; std::holds_alternative<effect_postponed>(f.fetch()); ++said) {
        REQUIRE(said < 100);
        f.failed(std::get<effect_postponed>(f.fetch()).why);
    }
    CHECK(said == 48);
}
