// Who goes first into a queue with room for some.
// SPDX-License-Identifier: Apache-2.0
#include "core/admission.hpp"

#include "tests/support/catch.hpp"

#include <random>

using namespace enrichd;

namespace {

constexpr std::int64_t now = 10 * longest_overtaken_ms;

queue_place place(std::int64_t id, std::uint64_t tokens, std::int64_t waited_ms = 0) {
    return {id, tokens, 1, now - waited_ms};
}

using ids = std::set<std::int64_t>;

} // namespace

TEST_CASE("without a known limit all may go", "[admission]") {
    CHECK(admitted({place(1, 1'000'000'000), place(2, 5)}, {}, now) == ids{1, 2});
}

TEST_CASE("the oldest go first, to the last token", "[admission]") {
    CHECK(admitted({place(3, 40), place(1, 60), place(2, 40)}, {100, {}}, now) == ids{1, 2});
    CHECK(admitted({place(1, 60), place(2, 41)}, {100, {}}, now) == ids{1});
    CHECK(admitted({place(1, 1)}, {0, {}}, now).empty());
}

TEST_CASE("a smaller job passes one that does not fit, for an hour", "[admission]") {
    CHECK(admitted({place(1, 90), place(2, 30)}, {50, {}}, now) == ids{2});
    CHECK(admitted({place(1, 90, longest_overtaken_ms - 1), place(2, 30)}, {50, {}}, now) == ids{2});
    CHECK(admitted({place(1, 90, longest_overtaken_ms), place(2, 30)}, {50, {}}, now).empty());
    CHECK(admitted({place(1, 90, longest_overtaken_ms), place(2, 30)}, {90, {}}, now) == ids{1});
}

TEST_CASE("requests are counted as tokens are", "[admission]") {
    auto big = place(1, 5);
    big.requests = 10;
    CHECK(admitted({big, place(2, 5)}, {{}, 9}, now) == ids{2});
    CHECK(admitted({big, place(2, 5)}, {{}, 10}, now) == ids{1});
    CHECK(admitted({big, place(2, 5)}, {4, 100}, now).empty());
}

TEST_CASE("what is let in always fits together, and nothing that fits alone waits beside an empty queue",
          "[admission]") {
    const auto seed = GENERATE(range(1U, 33U));
    CAPTURE(seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 200; ++round) {
        std::vector<queue_place> waiting;
        for (std::int64_t id = 1; id <= static_cast<std::int64_t>(random() % 8); ++id)
            waiting.push_back(place(id, 1 + random() % 100,
                                    static_cast<std::int64_t>(random() % 2) * 2 * longest_overtaken_ms));
        const std::uint64_t room = random() % 200;
        const auto go = admitted(waiting, {room, {}}, now);
        std::uint64_t taken = 0;
        for (const auto& p : waiting)
            if (go.contains(p.job_id)) taken += p.tokens;
        CHECK(taken <= room);
        if (!waiting.empty() && waiting.front().tokens <= room) CHECK(go.contains(1));
    }
}
