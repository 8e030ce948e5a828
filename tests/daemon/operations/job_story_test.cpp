// SPDX-License-Identifier: Apache-2.0
#include "daemon/operations/job_story.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/ledger_fixture.hpp"

using namespace enrichd;
using enrichd::test::contains;
using enrichd::test::noon;

namespace {

job_row job_in(const job::state& s, job::goal until = job::goal::merged) {
    job_row row;
    row.id = 7;
    row.plan.kind = kind::summaries;
    row.plan.totals.requests = 3;
    row.state = s;
    row.wishes.until = until;
    if (!job::has_ended(s)) row.waiting.due_ms = noon;
    return row;
}

job::state state(std::size_t index) {
    return enrichd::test::one_of_each_state().at(index);
}

} // namespace

TEST_CASE("every state says why it stands there, and what is next unless it has ended",
          "[operations][story]") {
    for (const auto& s : enrichd::test::one_of_each_state())
        for (const auto cancel :
             {job::cancel_reason::none, job::cancel_reason::user, job::cancel_reason::deadline})
            for (const auto until : {job::goal::built, job::goal::fetched, job::goal::merged}) {
                CAPTURE(job::name(s), name(cancel), name(until));
                auto row = job_in(s, until);
                row.wishes.cancel = cancel;
                const auto story = tell(row, false, std::nullopt);
                CHECK_FALSE(story.why.empty());
                CHECK(story.next.empty() == job::has_ended(s));
                CHECK(story.failure.has_value() == std::holds_alternative<job::failed>(s));
                CHECK_FALSE(story.blocked);
            }
}

TEST_CASE("what waits for a person is held, and says for which command", "[operations][story]") {
    const auto built = tell(job_in(state(0), job::goal::built), false, std::nullopt);
    CHECK(built.held == "waits for submit");
    contains(built.next, "enrichctl submit --kind summaries");
    const auto fetched = tell(job_in(state(7), job::goal::fetched), false, std::nullopt);
    CHECK(fetched.held == "waits for merge");
    contains(fetched.next, "enrichctl merge 7");
    contains(fetched.why, "expired");
    CHECK_FALSE(tell(job_in(state(7)), false, std::nullopt).held);
    CHECK_FALSE(tell(job_in(state(0)), false, std::nullopt).held);
}

TEST_CASE("a pause holds what would begin something, and nothing else", "[operations][story]") {
    for (std::size_t i = 0; i < 12; ++i) {
        CAPTURE(i);
        const auto story = tell(job_in(state(i)), true, std::nullopt);
        const bool begins = i == 0 || i == 2; // built, uploaded
        CHECK((story.held == "paused") == begins);
        if (begins) contains(story.next, "enrichctl resume");
    }
    CHECK(tell(job_in(state(0), job::goal::built), true, std::nullopt).held == "waits for submit");
}

TEST_CASE("a batch tells its progress, its next look and its deadline", "[operations][story]") {
    const auto story = tell(job_in(state(6)), false, noon + 1000);
    contains(story.why, "2 of 3 requests are done");
    contains(story.next, "2025-11-22 12:00:00Z");
    contains(story.next, "2025-11-22 12:00:01Z");
    auto p = std::get<job::polling>(state(6));
    p.status = batch_status::validating;
    contains(tell(job_in(p), false, {}).why, "checks the request file");
    p.status = batch_status::completed;
    contains(tell(job_in(p), false, {}).why, "completed");
    contains(tell(job_in(p), false, {}).next, "fetches");
}

TEST_CASE("a cancelled batch tells who wanted it and how far it is", "[operations][story]") {
    auto row = job_in(state(5));
    row.wishes.cancel = job::cancel_reason::deadline;
    contains(tell(row, false, {}).why, "deadline");
    contains(tell(row, false, {}).next, "asks the provider to cancel");
    row = job_in(state(6)); // cancel_sent
    row.wishes.cancel = job::cancel_reason::user;
    contains(tell(row, false, {}).why, "has not confirmed");
    row = job_in(state(0));
    row.wishes.cancel = job::cancel_reason::user;
    contains(tell(row, false, {}).next, "costs nothing");
}

TEST_CASE("an unknown submission says since when and how often it was looked for", "[operations][story]") {
    const auto story = tell(job_in(state(4)), false, {});
    contains(story.why, "2025-11-22 12:00:00Z");
    contains(story.why, "2 times");
    CHECK_FALSE(story.blocked);
}

TEST_CASE("what stands in the way is told with a code that says whose it is", "[operations][story]") {
    const auto held_up = [](std::size_t index, const waiting& w) {
        auto row = job_in(state(index));
        row.waiting = w;
        return tell(row, false, std::nullopt);
    };
    const auto code = [](const job_story& s) {
        REQUIRE(s.blocked);
        return s.blocked->code;
    };
    CHECK(code(held_up(7, {noon, 1, "connection refused", errc::target_unavailable})) ==
          errc::target_unavailable);
    CHECK(code(held_up(7, {noon, 1, "permission denied", errc::target_blocked})) == errc::target_blocked);
    CHECK(code(held_up(6, {noon, 3, "502", errc::provider_busy})) == errc::provider_busy);
    CHECK(code(held_up(3, {noon, 1, "invalid_api_key", errc::provider_unauthorized})) ==
          errc::provider_unauthorized);
    CHECK(code(held_up(7, {noon, 1, "no space left on device", errc::io})) == errc::io);
    CHECK(code(held_up(2, {noon, 0, "no room (token_limit_exceeded)", errc::provider_busy})) ==
          errc::provider_busy);
    contains(held_up(6, {noon, 3, "502", errc::provider_busy}).why, "502 (tried 3 times)");
    CHECK_FALSE(held_up(6, {noon, 2, ""}).blocked);
    CHECK_FALSE(held_up(2, {std::nullopt, 0, "paused"}).blocked);
    CHECK_FALSE(held_up(4, {noon, 0, "whether the provider took the batch is unknown"}).blocked);
    CHECK_FALSE(held_up(8, {std::nullopt, 2, "old", errc::provider_busy}).blocked); // merged
}

TEST_CASE("the advice fits what stands in the way", "[operations][story]") {
    const auto advice = [](const std::string& reason, errc code) {
        auto row = job_in(state(6));
        row.waiting = {noon, 2, reason, code};
        return tell(row, false, std::nullopt).blocked->hint;
    };
    const auto retry = "enrichctl retry " + job_name(job_in(state(6)).id);
    CHECK(advice("no answer", errc::provider_ambiguous) == retry);
    contains(advice("invalid key (HTTP 401 to GET /batches)", errc::provider_unauthorized), "api_key_file");
    contains(advice("invalid key (HTTP 401 to GET /batches)", errc::provider_unauthorized), "then: " + retry);
    contains(advice("gone (HTTP 404 to GET /batches/b, request req_1)", errc::provider_rejected),
             "--abandon");
    contains(advice("no page (HTTP 404 to POST /files)", errc::provider_rejected), "[provider] base_url");
    CHECK(advice("events lacks a; run: enrichctl migrate", errc::target_blocked) ==
          "enrichctl migrate --plan, then: " + retry);
    CHECK(advice("database \"x\" does not exist", errc::target_blocked) == retry);
}

TEST_CASE("what differs by the provider's request id alone is the same obstacle", "[operations][story]") {
    auto row = job_in(state(6));
    row.waiting = {noon, 1, "busy (HTTP 500 to GET /batches/b, request req_17)", errc::provider_ambiguous};
    const auto story = tell(row, false, std::nullopt);
    CHECK(story.blocked->message == "busy (HTTP 500 to GET /batches/b)");
    contains(story.why, "req_17");
}

TEST_CASE("a failed job gives the provider's reason as its error", "[operations][story]") {
    const auto story = tell(job_in(state(9)), false, {});
    REQUIRE(story.failure);
    CHECK(story.failure->code == errc::provider_rejected);
    CHECK(story.failure->detail == "token_limit: too \"many\"");
}

TEST_CASE("the deadline counts from the provider's created_at, while the batch runs", "[operations][story]") {
    CHECK(deadline_of(job_in(state(5)), 26) == noon + 26 * 3'600'000);
    CHECK(deadline_of(job_in(state(6)), 0.5) == noon + 1'800'000);
    for (const std::size_t i : {0U, 1U, 2U, 3U, 4U, 7U, 8U, 9U, 10U, 11U})
        CHECK_FALSE(deadline_of(job_in(state(i)), 26));
    auto ended = std::get<job::polling>(state(6));
    ended.status = batch_status::cancelled;
    CHECK_FALSE(deadline_of(job_in(ended), 26));
    auto unknown = std::get<job::submitted>(state(5));
    unknown.created_at = 0;
    CHECK_FALSE(deadline_of(job_in(unknown), 26));
}
