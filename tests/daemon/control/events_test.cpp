// Streams of progress over the control socket.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/control_call.hpp"
#include "tests/support/fake_daemon.hpp"
#include "tests/support/temp_folder.hpp"

#include <thread>

using namespace enrichd;
using control::json;
using test::fake_operations;

namespace {

json job_in(const std::string& state, int done = 0) {
    return {{"job", {{"id", "7"}, {"state", state}, {"done", done}}}};
}

/// Notes the states it sees, and moves the job on by a script of its own.
struct follower {
    test::fake_daemon& daemon;
    std::vector<json> script; ///< what the job becomes after each line seen
    std::vector<std::string> seen = {};
    int blanks = 0;
    std::size_t enough = 100;

    boost::asio::awaitable<bool> take(std::string_view line) {
        if (line.empty()) {
            ++blanks;
            co_return blanks < 3;
        }
        const auto reply = json::parse(line);
        const auto& object = reply.at(reply.contains("job") ? "job" : "run");
        seen.push_back(object.value("state", "") + std::to_string(object.value("done", 0)));
        if (seen.size() <= script.size())
            daemon.with([&](fake_operations& ops) {
                ops.replies["job"] = script[seen.size() - 1];
                ops.change();
            });
        co_return seen.size() < enough;
    }

    control::line_sink sink() {
        return [this](std::string_view line) { return take(line); };
    }
};

} // namespace

TEST_CASE("a stream gives the state at once, each change, and ends with the job", "[daemon][control]") {
    test::temp_folder folder;
    test::fake_daemon daemon(folder / "s");
    daemon.with([](fake_operations& ops) { ops.replies["job"] = job_in("polling"); });
    follower f{daemon, {job_in("polling", 1), job_in("fetched", 1), job_in("merged", 1)}};
    test::control_caller caller(folder / "s");
    const auto end = caller.stream(route_id::job_events, "7", f.sink());
    REQUIRE(end.has_value());
    CHECK(end->status == 200);
    CHECK(f.seen == std::vector<std::string>{"polling0", "polling1", "fetched1", "merged1"});
}

TEST_CASE("a change that this job has no part in makes no line", "[daemon][control]") {
    test::temp_folder folder;
    test::fake_daemon daemon(folder / "s");
    daemon.with([](fake_operations& ops) { ops.replies["job"] = job_in("polling"); });
    follower f{daemon, {job_in("polling"), job_in("merged")}};
    // The first change leaves the job as it is; another one then ends it.
    std::thread other([&] {
        daemon.wait_for_call("job 7", 3);
        daemon.with([](fake_operations& ops) {
            ops.replies["job"] = job_in("merged");
            ops.change();
        });
    });
    test::control_caller caller(folder / "s");
    (void)caller.stream(route_id::job_events, "7", f.sink());
    other.join();
    CHECK(f.seen == std::vector<std::string>{"polling0", "merged0"});
}

TEST_CASE("a stream of what has ended is one line", "[daemon][control]") {
    test::temp_folder folder;
    test::fake_daemon daemon(folder / "s");
    follower f{daemon, {}};
    test::control_caller caller(folder / "s");
    for (const char* state : {"merged", "failed", "cancelled", "discarded"}) {
        daemon.with([&](fake_operations& ops) { ops.replies["job"] = job_in(state); });
        REQUIRE(caller.stream(route_id::job_events, "7", f.sink()).has_value());
    }
    CHECK(f.seen == std::vector<std::string>{"merged0", "failed0", "cancelled0", "discarded0"});
}

TEST_CASE("a run's stream ends with the run", "[daemon][control]") {
    test::temp_folder folder;
    test::fake_daemon daemon(folder / "s");
    for (const char* state : {"done", "refused", "cancelled"}) {
        daemon.with([&](fake_operations& ops) { ops.replies["run"] = {{"run", {{"state", state}}}}; });
        test::control_caller caller(folder / "s");
        follower f{daemon, {}};
        CHECK(caller.stream(route_id::run_events, "r1", f.sink()).has_value());
    }
}

TEST_CASE("a stream of nothing is an error like any other", "[daemon][control]") {
    test::temp_folder folder;
    test::fake_daemon daemon(folder / "s");
    follower f{daemon, {}};
    test::control_caller caller(folder / "s");
    const auto answer = caller.stream(route_id::job_events, "8", f.sink());
    REQUIRE(answer.has_value());
    CHECK(answer->status == 404);
    CHECK(control::read_refusal(*answer).code == errc::not_found);
    CHECK(f.seen.empty());
}

TEST_CASE("silence is filled with empty lines", "[daemon][control]") {
    test::temp_folder folder;
    test::fake_daemon daemon(folder / "s", {}, {.keep_alive = std::chrono::milliseconds(10)});
    daemon.with([](fake_operations& ops) { ops.replies["job"] = job_in("polling"); });
    follower f{daemon, {}};
    test::control_caller caller(folder / "s");
    (void)caller.stream(route_id::job_events, "7", f.sink());
    CHECK(f.blanks == 3);
    CHECK(f.seen.size() == 1);
}

TEST_CASE("a client that has seen enough ends the stream without an error", "[daemon][control]") {
    test::temp_folder folder;
    test::fake_daemon daemon(folder / "s");
    daemon.with([](fake_operations& ops) { ops.replies["job"] = job_in("polling"); });
    follower f{daemon, {}};
    f.enough = 1;
    test::control_caller caller(folder / "s");
    CHECK(caller.stream(route_id::job_events, "7", f.sink()).has_value());
}

TEST_CASE("a daemon that stops ends its streams, and the same id goes on at the next one",
          "[daemon][control]") {
    test::temp_folder folder;
    test::fake_daemon daemon(folder / "s");
    daemon.with([](fake_operations& ops) { ops.replies["job"] = job_in("polling"); });
    test::control_caller caller(folder / "s");
    std::thread stopper([&] {
        daemon.wait_for_call("job 7", 1);
        daemon.stop();
    });
    follower before{daemon, {}};
    (void)caller.stream(route_id::job_events, "7", before.sink());
    stopper.join();
    CHECK(before.seen == std::vector<std::string>{"polling0"});

    const auto gone = caller.get(route_id::job, "7");
    REQUIRE(gone.has_error());
    CHECK(gone.error().code == errc::unavailable);

    daemon.with([](fake_operations& ops) { ops.replies["job"] = job_in("merged"); });
    daemon.start();
    follower after{daemon, {}};
    CHECK(caller.stream(route_id::job_events, "7", after.sink()).has_value());
    CHECK(after.seen == std::vector<std::string>{"merged0"});
}
