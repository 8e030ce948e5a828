// SPDX-License-Identifier: Apache-2.0
#include "core/pooling.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "tests/support/catch.hpp"

using namespace enrichd;

namespace {

double length(const std::vector<float>& v) {
    double squares = 0;
    for (const float x : v)
        squares += double{x} * x;
    return std::sqrt(squares);
}

struct chunk_vector {
    std::vector<float> values;
    std::uint32_t tokens;
};

std::vector<chunk_vector> random_chunks(std::size_t count, std::size_t dimensions) {
    std::mt19937 random(7);
    std::normal_distribution<float> value;
    std::uniform_int_distribution<std::uint32_t> tokens(1, 1500);
    std::vector<chunk_vector> chunks(count);
    for (auto& c : chunks) {
        c.values.resize(dimensions);
        for (auto& x : c.values)
            x = value(random);
        c.tokens = tokens(random);
    }
    return chunks;
}

std::vector<float> pooled(const std::vector<chunk_vector>& chunks) {
    vector_pool pool;
    for (const auto& c : chunks)
        pool.add(c.values, c.tokens);
    return pool.mean();
}

} // namespace

TEST_CASE("a row of one chunk keeps its direction and gets length one", "[core][pooling]") {
    vector_pool pool;
    pool.add(std::vector<float>{3, 4}, 17);
    CHECK(pool.mean() == std::vector<float>{0.6F, 0.8F});
}

TEST_CASE("chunks count by their tokens", "[core][pooling]") {
    vector_pool pool;
    pool.add(std::vector<float>{1, 0}, 1500);
    pool.add(std::vector<float>{0, 1}, 500);
    const auto mean = pool.mean();
    REQUIRE(mean.size() == 2);
    CHECK(mean[0] == Approx(3 / std::sqrt(10.0)));
    CHECK(mean[1] == Approx(1 / std::sqrt(10.0)));
}

TEST_CASE("the mean of a long row has length one and does not depend on the order of its chunks",
          "[core][pooling]") {
    auto chunks = random_chunks(400, 256);
    const auto forwards = pooled(chunks);
    CHECK(length(forwards) == Approx(1.0).epsilon(1e-6));
    std::reverse(chunks.begin(), chunks.end());
    CHECK(pooled(chunks) == forwards);
}

TEST_CASE("weights matter only in proportion to each other", "[core][pooling]") {
    auto chunks = random_chunks(5, 64);
    const auto once = pooled(chunks);
    for (auto& c : chunks)
        c.tokens *= 1024;
    CHECK(pooled(chunks) == once);
}

TEST_CASE("where there is no direction there is no mean", "[core][pooling]") {
    CHECK(vector_pool{}.mean().empty());

    vector_pool opposite;
    opposite.add(std::vector<float>{1, -1}, 10);
    opposite.add(std::vector<float>{-1, 1}, 10);
    CHECK(opposite.mean().empty());

    vector_pool weightless;
    weightless.add(std::vector<float>{1, 1}, 0);
    CHECK(weightless.mean().empty());

    vector_pool broken;
    broken.add(std::vector<float>{1, std::numeric_limits<float>::quiet_NaN()}, 1);
    CHECK(broken.mean().empty());
}

TEST_CASE("the largest floats and weights do not overflow", "[core][pooling]") {
    constexpr auto huge = std::numeric_limits<float>::max();
    vector_pool pool;
    for (int i = 0; i < 1000; ++i)
        pool.add(std::vector<float>{huge, huge}, std::numeric_limits<std::uint32_t>::max());
    const auto mean = pool.mean();
    REQUIRE(mean.size() == 2);
    CHECK(mean[0] == Approx(std::sqrt(0.5)));
}
