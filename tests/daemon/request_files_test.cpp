// A spool that cannot be written: the run waits and says why, and is built once it can.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/request_files.hpp"

#include "daemon/run_driver.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/operations_fixture.hpp"

#include <filesystem>
#include <fstream>
#include <string>

using namespace enrichd;
using enrichd::test::noon;
namespace fs = std::filesystem;

namespace {

struct building : test::operations_fixture {
    building() {
        source_row row;
        row.key = "k";
        row.title = "A title";
        row.text = "A text that is long enough to be worth a summary of its own, as every text here.";
        row.why = need::value;
        database->rows = {row};
    }
    std::int64_t add_request() {
        run_order order;
        order.kinds = {kind::summaries};
        return l->runs().create(job::goal::merged, to_json(order), {picodollars_per_dollar}, noon);
    }
    fs::path first_file(std::int64_t run) const {
        return files.request_file(request_file_prefix(run) + "summaries-1.requests.jsonl");
    }
};

} // namespace

TEST_CASE("a run whose files cannot be made waits ever longer, says why, and is built in the end",
          "[request_files][run_driver]") {
    building b;
    run_settler settler(*b.l, b.files, b.now, b.loop.get_executor());
    run_driver driver(
        {*b.l, b.now, b.builder, settler, [&] { return b.parts().settings(); }, {}, [] { return 0.5; }});
    const auto id = b.add_request();
    const auto take_turn = [&] {
        boost::asio::co_spawn(b.loop, driver.take_turn(id), [](std::exception_ptr e) {
            if (e) std::rethrow_exception(e);
        });
        b.loop.restart();
        b.loop.run();
        return b.l->runs().find(id).value();
    };
    // A folder that is not empty is in the file's place, and cannot be removed like a file.
    fs::create_directories(b.first_file(id) / "in the way");

    const auto first = take_turn();
    CHECK(first.state == run::state::building);
    CHECK(first.waiting.cause == errc::io);
    CHECK(first.waiting.reason.find(b.first_file(id).string()) != std::string::npos);
    CHECK(first.waiting.failures == 1);
    const auto second = take_turn();
    CHECK(second.waiting.failures == 2);
    CHECK(second.waiting.due_ms.value() > first.waiting.due_ms.value());

    fs::remove_all(b.first_file(id));
    const auto built = take_turn();
    CHECK(built.state == run::state::open);
    CHECK(fs::file_size(b.first_file(id)) > 0);
}

TEST_CASE("a disk that is full is an error of the files, whenever it is noticed", "[request_files]") {
    building b;
    const auto run = b.add_request();
    const auto r = make_summary_recipe({}, *model_catalogue::built_in().find("gpt-4o-mini", kind::summaries));
    auto plan = test::ledger_fixture::plan(run);
    request_files files(*b.l, b.files, b.loop.get_executor(), plan, r.model, {}, noon);
    fs::create_symlink("/dev/full", b.first_file(run));
    token_counter counter(parse_encoding(r.model.tokenizer).value());

    // A text beyond the writer's buffer is noticed at once, a short one when the file is completed.
    auto row = b.database->rows[0];
    const bool at_once = GENERATE(false, true);
    prepared_row prepared{row.key, "", build_requests(row, r, counter), false};
    if (at_once) prepared.requests.lines[0].json.append(1'000'000, ' ');
    const auto added = b.wait(files.add({prepared}));
    CHECK(added.has_error() == at_once);
    const auto ended = at_once ? added.error() : b.wait(files.finish()).error();
    CHECK(ended.code == errc::disk_full);
    CHECK(ended.detail.find("No space left on device") != std::string::npos);
}
