// SPDX-License-Identifier: Apache-2.0
#include "core/cost_curve.hpp"

#include "tests/support/catch.hpp"

#include <random>

using namespace enrichd;

namespace {

cost_curve curve_of(const std::vector<std::int64_t>& bounds) {
    cost_curve c;
    for (const auto b : bounds)
        c.add(money{b});
    return c;
}

} // namespace

TEST_CASE("a short curve is exact at every row", "[core][cost_curve]") {
    const auto c = curve_of({5, 0, 7});
    CHECK(c.rows() == 3);
    CHECK(c.of(-1) == money{0});
    CHECK(c.of(0) == money{0});
    CHECK(c.of(1) == money{5});
    CHECK(c.of(2) == money{5});
    CHECK(c.of(3) == money{12});
    CHECK(c.of(4) == money{12});
}

TEST_CASE("an empty curve costs nothing", "[core][cost_curve]") {
    const cost_curve c;
    CHECK(c.rows() == 0);
    CHECK(c.of(10) == money{0});
}

TEST_CASE("a long curve is never too low, never falls, and ends at the exact total", "[core][cost_curve]") {
    std::mt19937 random(20240611);
    std::uniform_int_distribution<std::int64_t> bound(0, 1000);
    cost_curve c;
    std::vector<std::int64_t> exact = {0};
    for (int i = 0; i < 50'001; ++i) {
        const auto b = bound(random);
        c.add(money{b});
        exact.push_back(exact.back() + b);
    }
    bool too_low = false;
    bool falls = false;
    std::int64_t furthest = 0;
    for (std::int64_t n = 1; n <= c.rows(); ++n) {
        const auto told = c.of(n).picodollars;
        too_low = too_low || told < exact[static_cast<std::size_t>(n)];
        falls = falls || told < c.of(n - 1).picodollars;
        furthest = std::max(furthest, told - exact[static_cast<std::size_t>(n)]);
    }
    CHECK_FALSE(too_low);
    CHECK_FALSE(falls);
    CHECK(furthest < 32 * 1000); // rounded up by less than one step between two points
    CHECK(c.of(c.rows()).picodollars == exact.back());
}

TEST_CASE("what fits is the largest number of rows within the limit", "[core][cost_curve]") {
    const std::vector<cost_curve> one = {curve_of({10, 10, 10})};
    CHECK(rows_that_fit(one, money{0}) == 0);
    CHECK(rows_that_fit(one, money{9}) == 0);
    CHECK(rows_that_fit(one, money{10}) == 1);
    CHECK(rows_that_fit(one, money{29}) == 2);
    CHECK(rows_that_fit(one, money{30}) == 3);
    CHECK(rows_that_fit(one, money{1000}) == 3);
}

TEST_CASE("a limit counts rows of each kind, and the money of all of them", "[core][cost_curve]") {
    const std::vector<cost_curve> two = {curve_of({10, 10, 10, 10}), curve_of({1, 1})};
    CHECK(rows_that_fit(two, money{10}) == 0);
    CHECK(rows_that_fit(two, money{11}) == 1);
    CHECK(rows_that_fit(two, money{22}) == 2);
    CHECK(rows_that_fit(two, money{32}) == 3); // the second kind has no third row
    CHECK(rows_that_fit(two, money{42}) == 4);
}

TEST_CASE("rows that share a request cost nothing more, so they fit too", "[core][cost_curve]") {
    CHECK(rows_that_fit({curve_of({10, 0, 0, 5})}, money{10}) == 3);
    CHECK(rows_that_fit({curve_of({0, 0})}, money{0}) == 2);
}

TEST_CASE("without rows nothing has to fit", "[core][cost_curve]") {
    CHECK(rows_that_fit({}, money{100}) == 0);
    CHECK(rows_that_fit({cost_curve{}}, money{100}) == 0);
}

TEST_CASE("what is told to fit does fit, whatever the costs", "[core][cost_curve]") {
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
        CAPTURE(round);
        std::uniform_int_distribution<std::int64_t> bound(0, 50);
        std::vector<std::int64_t> costs(std::uniform_int_distribution<std::size_t>(0, 40)(random));
        for (auto& c : costs)
            c = bound(random);
        const std::vector<cost_curve> kinds = {curve_of(costs)};
        const money limit{bound(random) * 10};
        const auto n = rows_that_fit(kinds, limit);
        CHECK(kinds[0].of(n) <= limit);
        CHECK((n == kinds[0].rows() || kinds[0].of(n + 1) > limit));
    }
}
