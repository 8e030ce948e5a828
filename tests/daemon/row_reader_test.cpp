// Which rows of a target are bought: through a plan, and a build, of a target without a database.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/row_reader.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/operations_fixture.hpp"

#include <string>

using namespace enrichd;
using enrichd::test::noon;

namespace {

source_row wanting(const std::string& key, const std::string& text = "") {
    source_row row;
    row.key = key;
    row.title = "A title";
    row.text = (text.empty() ? key : text) + ": a text that is long enough to be worth a summary of its own.";
    row.why = need::value;
    return row;
}

struct reading : test::operations_fixture {
    run_order order;

    reading() { order.kinds = {kind::summaries}; }

    std::string key_of(std::int64_t job) const { return "e-" + std::to_string(job) + "-0"; }

    void merge_all(std::int64_t job) {
        l->requests().end_all(job, outcome::ok, "");
        put(job, job::merged{"batch_1"});
    }
    kind_summary plan() {
        const auto found = wait(builder.plan(order, parts().settings()));
        INFO((found ? "" : found.error().detail));
        REQUIRE(found.has_value());
        return found->kinds.at(0);
    }
    /// The run, built.
    run_row build() {
        const auto id = l->runs().create(job::goal::merged, to_json(order), {picodollars_per_dollar}, noon);
        const auto built = wait(builder.build(id, parts().settings()));
        INFO((built ? "" : built.error().detail));
        REQUIRE(built.has_value());
        return l->runs().find(id).value();
    }
    std::uint64_t requests_of(const run_row& run) {
        std::uint64_t all = 0;
        for (const auto& job : l->jobs().of_run(run.id))
            all += job.plan.totals.requests;
        return all;
    }
};

} // namespace

TEST_CASE("a row that is merged after the target was read is not bought again", "[row_reader]") {
    reading r;
    const auto merging = r.add_job(r.add_open_run(), job::goal::merged, 1);
    r.database->rows = {wanting(r.key_of(merging)), wanting("new")};
    SECTION("by a job that was open, and has ended since") {
        r.database->after_read = [&] { r.merge_all(merging); };
    }
    SECTION("by a job that was open, and still is") {
        r.database->after_read = [&] { r.l->requests().end_all(merging, outcome::ok, ""); };
    }
    SECTION("by a job that sent it again, made since") {
        r.database->after_read = [&] {
            r.merge_all(merging);
            const auto again = r.add_job(r.l->jobs().find(merging)->plan.run_id, job::goal::merged, 0);
            r.l->requests().add_row(again, "sqlite:test/events", kind::summaries, {0, r.key_of(merging), ""});
            r.merge_all(again);
        };
    }
    SECTION("as the row is in flight all the time") {}
    const auto counted = r.plan().rows;
    CHECK(counted.seen == 2);
    CHECK(counted.selected == 1);
    CHECK(counted.in_flight == 1);
    r.database->after_read = nullptr;
}

TEST_CASE("a run that is built beside a merge buys none of its rows", "[row_reader]") {
    reading r;
    const auto merging = r.add_job(r.add_open_run(), job::goal::merged, 1);
    r.database->rows = {wanting("new"), wanting(r.key_of(merging))};
    r.database->piece = 1;
    r.database->after_read = [&] { r.merge_all(merging); };
    const auto run = r.build();
    CHECK(run.state == run::state::open);
    CHECK(r.requests_of(run) == 1);
}

TEST_CASE("a row whose job ended without a value before the target was read is bought", "[row_reader]") {
    reading r;
    const auto stale = r.add_job(r.add_open_run(), job::goal::merged, 1);
    r.l->requests().end_all(stale, outcome::stale, "the text changed meanwhile");
    r.put(stale, job::merged{"batch_1"});
    r.database->rows = {wanting(r.key_of(stale))};
    CHECK(r.plan().rows.selected == 1);
}

TEST_CASE("a key that comes twice is planned and built once, however far apart", "[row_reader]") {
    reading r;
    r.database->rows = {wanting("twice", "first"), wanting("once"), wanting("twice", "second")};
    r.database->piece = GENERATE(1U, 1000U);
    const auto counted = r.plan().rows;
    CHECK(counted.seen == 3);
    CHECK(counted.selected == 2);
    CHECK(counted.in_flight == 1);
    const auto run = r.build();
    CHECK(run.state == run::state::open);
    CHECK(r.requests_of(run) == 2);
}

TEST_CASE("nothing is bought for a target while another one's rows are under way", "[row_reader]") {
    reading r;
    const auto elsewhere = r.add_job(r.add_open_run(), job::goal::merged, 1);
    r.database->rows = {wanting("new")};
    r.database->name = "sqlite:the same, perhaps/events";
    const auto refused = r.wait(r.builder.plan(r.order, r.parts().settings()));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::target_blocked);
    CHECK(refused.error().detail.find("[database] name = 'sqlite:test'") != std::string::npos);

    r.merge_all(elsewhere);
    CHECK(r.plan().rows.selected == 1);
}
