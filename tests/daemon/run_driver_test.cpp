// SPDX-License-Identifier: Apache-2.0
#include "daemon/run_driver.hpp"

#include "daemon/twins.hpp"
#include "tests/support/merge_fixture.hpp"

#include <functional>

using namespace enrichd;
using namespace enrichd::test;

namespace {

struct run_fixture : merge_fixture {
    run_builder builder{*l, files, now, loop.get_executor()};
    std::vector<bool> reported_as_cancelled; ///< what each report saw
    std::function<void()> meanwhile = [] {}; ///< what happens while a report is written
    run_driver driver{{*l, now, builder, settler, [] { return build_settings{}; },
                       [this](std::int64_t id) { return report(id); }, [] { return 0.5; }}};

    boost::asio::awaitable<result<void>> report(std::int64_t id) {
        reported_as_cancelled.push_back(l->runs().find(id)->cancel_wanted);
        std::exchange(meanwhile, [] {})();
        co_return result<void>{};
    }
    run::state turn() {
        wait(take_turn(driver, run));
        return l->runs().find(run)->state;
    }

private:
    static boost::asio::awaitable<bool> take_turn(run_driver& d, std::int64_t id) {
        co_await d.take_turn(id);
        co_return true;
    }
};

} // namespace

TEST_CASE("a run whose jobs have all ended is done, with a report", "[run_driver]") {
    run_fixture f;
    CHECK(f.turn() == run::state::done);
    CHECK(f.reported_as_cancelled == std::vector<bool>{false});
}

TEST_CASE("a run waits for its open jobs", "[run_driver]") {
    run_fixture f;
    (void)f.add_texts({{{"a"}}});
    CHECK(f.turn() == run::state::open);
    CHECK(f.reported_as_cancelled.empty());
}

TEST_CASE("a run that is cancelled while its report is written ends cancelled, and its report says so",
          "[run_driver]") {
    run_fixture f;
    f.meanwhile = [&] { f.l->runs().want_cancel(f.run, f.now.now); };
    CHECK(f.turn() == run::state::cancelled);
    CHECK(f.reported_as_cancelled == std::vector<bool>{false, true});
}

TEST_CASE("a twin that is booked while the report is written has it written again", "[run_driver]") {
    run_fixture f;
    const auto id = f.add_job(f.run);
    f.put(id, job::cancelled{});
    f.meanwhile = [&] {
        batch_object twin;
        twin.id = "batch_2";
        twin.status = batch_status::cancelled;
        twin.usage = token_usage{200, 0, 40, 0};
        record_twin(*f.l, f.job(id), "", twin, f.now.now);
    };
    CHECK(f.turn() == run::state::done);
    CHECK(f.reported_as_cancelled.size() == 2);
    CHECK_FALSE(f.l->chores().is_owed(chore::write_report));
}
