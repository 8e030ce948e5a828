// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <random>
#include <vector>

#include "tests/core/answer_support.hpp"
#include "tests/support/catch.hpp"

using namespace enrichd;
using namespace enrichd::test;

TEST_CASE("vectors come as base64 or as numbers, and are the same", "[core][batch_result]") {
    std::mt19937 random(5);
    std::normal_distribution<float> value(0, 0.03F);
    std::vector<std::vector<float>> vectors(20, std::vector<float>(1536));
    json as_text = json::array(), as_numbers = json::array();
    for (std::size_t i = 0; i < vectors.size(); ++i) {
        for (auto& x : vectors[i])
            x = value(random);
        as_text.push_back(vector_entry(static_cast<int>(i), base64_of(vectors[i])));
        as_numbers.push_back(vector_entry(static_cast<int>(i), vectors[i]));
    }
    const auto from_text = read_vectors(as_text, 20, 1536);
    const auto from_numbers = read_vectors(as_numbers, 20, 1536);
    CHECK(from_text.how == outcome::ok);
    CHECK(from_text.embeddings == vectors);
    CHECK(from_numbers.how == outcome::ok);
    CHECK(from_numbers.embeddings == vectors);
    CHECK(from_text.usage == token_usage{3, 0, 0, 0});
}

TEST_CASE("whole numbers are numbers too, and extreme ones keep their value", "[core][batch_result]") {
    const auto a = read_answer(R"({"custom_id":"e","response":{"status_code":200,"body":{"data":[{"index":0,)"
                               R"("embedding":[1,-2,0,1e-45,3.4028235e38]}]}}})",
                               {kind::embeddings, 1, 5});
    REQUIRE(a.how == outcome::ok);
    CHECK(a.embeddings[0] == std::vector<float>{1, -2, 0, std::numeric_limits<float>::denorm_min(),
                                                std::numeric_limits<float>::max()});
}

TEST_CASE("vectors are put in the order of their indexes", "[core][batch_result]") {
    const auto a =
        read_vectors({vector_entry(2, {3, 0}), vector_entry(0, {1, 0}), vector_entry(1, {2, 0})}, 3, 2);
    REQUIRE(a.how == outcome::ok);
    CHECK(a.embeddings == std::vector<std::vector<float>>{{1, 0}, {2, 0}, {3, 0}});
}

TEST_CASE("vectors that are not what was asked for are invalid, and say why", "[core][batch_result]") {
    const auto check = [](const std::vector<json>& data, std::uint32_t inputs, const std::string& reason) {
        const auto a = read_vectors(data, inputs, 2);
        CAPTURE(reason);
        CHECK(a.how == outcome::invalid);
        CHECK(a.reason == reason);
        CHECK(a.embeddings.empty());
        CHECK(a.usage.input_tokens == 3);
    };
    const auto one = vector_entry(0, {1, 2});
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    constexpr float infinite = std::numeric_limits<float>::infinity();
    CHECK(read_vectors(json::object(), 1, 2).reason == "no list of vectors");
    check({}, 1, "0 vectors for 1 inputs");
    check({one}, 2, "1 vectors for 2 inputs");
    check({one, one}, 2, "two vectors for input 0");
    check({one, vector_entry(1, {1, 2})}, 1, "a vector for input 1, of 1 inputs");
    check({vector_entry(-1, {1, 2})}, 1, "a vector without an index");
    check({json{{"embedding", {1, 2}}}}, 1, "a vector without an index");
    check({json{{"index", 0}}}, 1, "no vector for input 0");
    check({7}, 1, "a vector without an index");
    check({vector_entry(0, {1})}, 1, "the vector for input 0 has 1 dimensions, 2 were expected");
    check({vector_entry(0, {1, 2, 3, 4})}, 1, "the vector for input 0 has 4 dimensions, 2 were expected");
    check({vector_entry(0, json::array())}, 1, "the vector for input 0 has 0 dimensions, 2 were expected");
    check({vector_entry(0, {1, "2"})}, 1, "the vector for input 0 holds what is not a number");
    check({vector_entry(0, {1, nullptr})}, 1, "the vector for input 0 holds what is not a number");
    check({vector_entry(0, nullptr)}, 1, "the vector for input 0 is neither a string nor a list");
    check({vector_entry(0, {0, 0})}, 1, "the vector for input 0 is zero in all dimensions");
    check({vector_entry(0, {1e39, 0})}, 1, "the vector for input 0 holds a number that is not finite");
    check({vector_entry(0, base64_of(std::vector<float>{1, nan}))}, 1,
          "the vector for input 0 holds a number that is not finite");
    check({vector_entry(0, base64_of(std::vector<float>{infinite, 1}))}, 1,
          "the vector for input 0 holds a number that is not finite");
    check({vector_entry(0, base64_of(std::vector<float>{1, 2, 3}))}, 1,
          "the vector for input 0 has 3 dimensions, 2 were expected");
    check({vector_entry(0, "")}, 1, "the vector for input 0 has 0 dimensions, 2 were expected");
    check({vector_entry(0, "AAAA")}, 1, "the vector for input 0 is not base64 of 32-bit numbers");
    check({vector_entry(0, "AACAPwAAAE!=")}, 1, "the vector for input 0 is not base64 of 32-bit numbers");
}
