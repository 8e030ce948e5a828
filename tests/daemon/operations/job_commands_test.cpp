// Every command on a job, in every state.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/operations_fixture.hpp"

using namespace enrichd;
using enrichd::test::noon;
using enrichd::test::operations_fixture;
using json = nlohmann::json;

namespace {

constexpr auto refused = "409";

// The reply's status, or the code of the error as in the protocol.
std::string verdict(const result<json>& reply) {
    if (reply) return reply->at("status").get<std::string>();
    return reply.error().code == errc::state_conflict ? refused : "error: " + reply.error().detail;
}

struct expectation {
    const char* state;
    const char* poll;
    const char* merge;
    const char* cancel;
    const char* discard;
    const char* retry;
};

// Jobs that are on their way by themselves (goal merged), and for which no time is set: one that is
// submit_unknown waits for a person's word then, and looks when it is asked to.
constexpr expectation on_their_way[] = {
    {"built", "not_submitted", refused, "cancelling", refused, "not_waiting"},
    {"intent_upload", "not_submitted", refused, "cancelling", refused, "not_waiting"},
    {"uploaded", "not_submitted", refused, "cancelling", refused, "not_waiting"},
    {"intent_submit", "not_submitted", refused, "cancelling", refused, "not_waiting"},
    {"submit_unknown", "looking", refused, "cancelling", refused, "not_waiting"},
    {"submitted", "looking", refused, "cancelling", refused, "not_waiting"},
    {"polling", "looking", refused, "cancelling", refused, "not_waiting"},
    {"fetched", "ended", "merging", "already_ended", refused, "not_waiting"},
    {"merged", "ended", "already_merged", "already_ended", refused, "not_waiting"},
    {"failed", "ended", refused, "already_ended", refused, "not_waiting"},
    {"cancelled", "ended", refused, "already_ended", refused, "not_waiting"},
    {"discarded", "ended", refused, "already_ended", "already_discarded", "not_waiting"},
};

job::state state_called(const std::string& name) {
    for (const auto& s : enrichd::test::one_of_each_state())
        if (job::name(s) == name) return s;
    FAIL("no state " << name);
    return job::built{};
}

} // namespace

TEST_CASE("each command says in each state what it found", "[operations]") {
    CHECK(std::size(on_their_way) == std::variant_size_v<job::state>);
    for (const auto& e : on_their_way) {
        CAPTURE(e.state);
        const auto ask = [&](auto command) {
            operations_fixture f;
            const auto id = f.add_job_in(state_called(e.state), job::goal::merged);
            const auto before = f.job(id);
            auto said = verdict(command(f.ops, std::to_string(id)));
            // Whatever was asked, the state is the next turn's business.
            CHECK(state_fields(f.job(id).state) == state_fields(before.state));
            CHECK(f.job(id).state.index() == before.state.index());
            return said;
        };
        CHECK(ask([](auto& o, auto id) { return o.poll(id); }) == e.poll);
        CHECK(ask([](auto& o, auto id) { return o.merge(id, std::nullopt); }) == e.merge);
        CHECK(ask([](auto& o, auto id) { return o.cancel(id, false); }) == e.cancel);
        CHECK(ask([](auto& o, auto id) { return o.discard(id); }) == e.discard);
        CHECK(ask([](auto& o, auto id) { return o.retry(id); }) == e.retry);
    }
}

TEST_CASE("a command that was refused has changed nothing", "[operations]") {
    operations_fixture f;
    const auto id = f.add_job_in(state_called("polling"), job::goal::merged);
    const auto revision = f.job(id).revision;
    const auto history = f.l->history_of_job(id).size();
    CHECK_FALSE(f.ops.merge("batch_1", std::nullopt));
    CHECK_FALSE(f.ops.discard("batch_1"));
    CHECK(f.job(id).revision == revision);
    CHECK(f.l->history_of_job(id).size() == history);
    CHECK(f.woken == 0);
}

TEST_CASE("jobs are known by their own id and by the provider's", "[operations]") {
    operations_fixture f;
    const auto id = f.add_job_in(state_called("polling"), job::goal::merged);
    for (const auto& name : {std::to_string(id), std::string("batch_1")}) {
        CAPTURE(name);
        const auto reply = f.ops.job(name, true);
        REQUIRE(reply);
        CHECK(reply->at("job").at("id") == std::to_string(id));
        CHECK(f.ops.poll(name));
    }
    for (const char* name : {"99", "batch_2", "r1", "", "latest", "0"}) {
        CAPTURE(name);
        const auto reply = f.ops.job(name, true);
        REQUIRE_FALSE(reply);
        CHECK(reply.error().code == errc::not_found);
    }
    CHECK(f.ops.job("r1", true).error().detail.find("run") != std::string::npos);
}

TEST_CASE("poll looks now, and leaves a turn that is under way alone", "[operations]") {
    operations_fixture f;
    const auto id = f.add_job_in(state_called("submitted"), job::goal::merged);
    f.l->jobs().postpone(f.job(id), {noon + 60'000, 0, ""}, noon);
    f.in_turn = {id};
    CHECK(verdict(f.ops.poll("batch_1")) == "looking");
    CHECK(f.job(id).waiting.due_ms == noon + 60'000);
    f.in_turn.clear();
    CHECK(verdict(f.ops.poll("batch_1")) == "looking");
    CHECK(f.job(id).waiting.due_ms == f.now.now);
    CHECK(f.woken == 2);
}

TEST_CASE("neither poll nor retry hastens the looks for a batch that may exist", "[operations]") {
    operations_fixture f;
    const auto id = f.add_job_in(state_called("submit_unknown"), job::goal::merged);
    f.l->jobs().postpone(f.job(id), {noon + 600'000, 0, "whether the provider took it is unknown"}, noon);
    CHECK(verdict(f.ops.poll(std::to_string(id))) == "not_submitted");
    CHECK(verdict(f.ops.retry(std::to_string(id))) == "not_waiting");
    CHECK(f.job(id).waiting.due_ms == noon + 600'000);
}

TEST_CASE("merge moves the goal of a fetched job, and says when all is merged", "[operations]") {
    operations_fixture f;
    const auto id = f.add_job_in(state_called("fetched"), job::goal::fetched);
    CHECK(f.ops.job("batch_1", true)->at("job").at("held") == "waits for merge");
    CHECK(f.ops.merge("batch_1", kind::embeddings).error().code == errc::state_conflict);
    const auto reply = f.ops.merge("batch_1", kind::summaries);
    REQUIRE(reply);
    CHECK(reply->at("status") == "merging");
    CHECK(f.job(id).wishes.until == job::goal::merged);
    CHECK(f.job(id).waiting.due_ms == f.now.now);

    f.put(id, job::merged{"batch_1"});
    const auto again = f.ops.merge("batch_1", kind::summaries);
    REQUIRE(again);
    CHECK(again->at("status") == "already_merged");
    CHECK(again->at("updated") == 0);
    CHECK(again->at("skipped_count") == 3);
}

TEST_CASE("merge of a batch that has ended and is being fetched is taken", "[operations]") {
    operations_fixture f;
    auto s = std::get<job::polling>(state_called("polling"));
    s.status = batch_status::completed;
    const auto id = f.add_job_in(s, job::goal::fetched);
    CHECK(verdict(f.ops.merge("batch_1", std::nullopt)) == "merging");
    CHECK(f.job(id).wishes.until == job::goal::merged);
    CHECK(verdict(f.ops.cancel("batch_1", false)) == "already_ended");
    CHECK(verdict(f.ops.poll("batch_1")) == "ended");
}

TEST_CASE("cancel is a wish that is recorded once", "[operations]") {
    operations_fixture f;
    const auto id = f.add_job_in(state_called("polling"), job::goal::merged);
    CHECK(verdict(f.ops.cancel("batch_1", false)) == "cancelling");
    CHECK(f.job(id).wishes == job::wishes{job::goal::merged, job::cancel_reason::user});
    const auto history = f.l->history_of_job(id).size();
    CHECK(verdict(f.ops.cancel("batch_1", false)) == "cancelling");
    CHECK(f.l->history_of_job(id).size() == history);
}

TEST_CASE("a batch that its deadline cancels stays cancelled by the deadline", "[operations]") {
    operations_fixture f;
    const auto id = f.add_job_in(state_called("polling"), job::goal::merged);
    f.l->jobs().wish(f.job(id), {job::goal::merged, job::cancel_reason::deadline}, "deadline_passed", noon);
    CHECK(verdict(f.ops.cancel("batch_1", false)) == "cancelling");
    CHECK(f.job(id).wishes.cancel == job::cancel_reason::deadline);
}

TEST_CASE("cancelling a run cancels what is open and merges what was paid for", "[operations]") {
    operations_fixture f;
    const auto run = f.add_open_run(job::goal::built);
    const auto built = f.add_job(run, job::goal::built);
    const auto fetched = f.add_job(run, job::goal::fetched);
    const auto merged = f.add_job(run, job::goal::merged);
    f.put(fetched, state_called("fetched"));
    f.put(merged, job::merged{"batch_0"});
    const auto reply = f.ops.cancel(run_name(run), false);
    REQUIRE(reply);
    CHECK(reply->at("status") == "cancelling");
    CHECK(reply->at("run_id") == run_name(run));
    CHECK(reply->at("jobs").size() == 2);
    CHECK(f.l->runs().find(run)->cancel_wanted);
    CHECK(f.l->runs().find(run)->waiting.due_ms == f.now.now);
    CHECK(f.job(built).wishes.cancel == job::cancel_reason::user);
    CHECK(f.job(fetched).wishes == job::wishes{job::goal::merged, job::cancel_reason::none});
    CHECK(f.job(merged).wishes.cancel == job::cancel_reason::none);

    REQUIRE(f.l->runs().record(*f.l->runs().find(run), run::state::cancelled, run::event::cancel_finished, "",
                               {}, noon));
    CHECK(verdict(f.ops.cancel("latest", false)) == "already_ended");
    CHECK(f.ops.cancel("r99", false).error().code == errc::not_found);
}

TEST_CASE("a batch is given up only when that is asked for, and then even its results are", "[operations]") {
    operations_fixture f;
    const auto id = f.add_job_in(enrichd::test::one_of_each_state()[7], job::goal::merged);
    CHECK(verdict(f.ops.cancel("batch_1", false)) == "already_ended");
    CHECK(f.job(id).wishes.cancel == job::cancel_reason::none);
    CHECK(f.ops.cancel("batch_1", true).error().code == errc::state_conflict); // nothing stands in its way
    f.l->jobs().postpone(f.job(id), {noon + 900'000, 5, "no column", errc::target_blocked}, noon);
    CHECK(verdict(f.ops.cancel("batch_1", true)) == "cancelling");
    CHECK(f.job(id).wishes.cancel == job::cancel_reason::abandon);
    CHECK(f.job(id).waiting.due_ms == f.now.now);
}

TEST_CASE("discard ends what was built and waits for submit, rows and all, and lets its run end",
          "[operations]") {
    operations_fixture f;
    const auto id = f.add_job_in(job::built{}, job::goal::built);
    const auto run = f.job(id).plan.run_id;
    f.in_turn = {id};
    CHECK(verdict(f.ops.discard(std::to_string(id))) == refused);
    f.in_turn.clear();
    const auto reply = f.ops.discard(std::to_string(id));
    REQUIRE(reply);
    CHECK(reply->at("status") == "discarded");
    CHECK(reply->at("job").at("state") == "discarded");
    CHECK(reply->at("job").at("outcomes").at("cancelled") == 3);
    CHECK(f.l->requests().open_rows(id) == 0);
    CHECK(f.l->runs().find(run)->waiting.due_ms == f.now.now);
    CHECK(f.l->history_of_job(id).back().event == "discard_wanted");
    CHECK(verdict(f.ops.discard(std::to_string(id))) == "already_discarded");
}

TEST_CASE("retry makes a job due that something stands in the way of", "[operations]") {
    const auto blocked = [](operations_fixture& f, const char* state, const waiting& w) {
        const auto id = f.add_job_in(state_called(state), job::goal::merged);
        f.l->jobs().postpone(f.job(id), w, noon);
        return id;
    };
    SECTION("the database cannot be written to") {
        operations_fixture f;
        const auto id = blocked(
            f, "fetched", {noon + 300'000, 4, "permission denied for table events", errc::target_blocked});
        CHECK(f.ops.job("batch_1", true)->at("job").at("blocked").at("code") == "target_blocked");
        CHECK(verdict(f.ops.retry("batch_1")) == "retrying");
        CHECK(f.job(id).waiting.due_ms == f.now.now);
        CHECK(f.job(id).waiting.failures == 0);
    }
    SECTION("the provider's queue has no room") {
        operations_fixture f;
        const auto id =
            blocked(f, "uploaded", {noon + 60'000, 0, "no room (token_limit_exceeded)", errc::provider_busy});
        CHECK(verdict(f.ops.retry(std::to_string(id))) == "retrying");
        CHECK(f.job(id).waiting.due_ms == f.now.now);
    }
    SECTION("a pause is ended by resume, not by retry") {
        operations_fixture f;
        const auto id = blocked(f, "uploaded", {std::nullopt, 0, "paused"});
        CHECK(verdict(f.ops.retry(std::to_string(id))) == "not_waiting");
    }
}
