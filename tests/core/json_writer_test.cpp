// SPDX-License-Identifier: Apache-2.0
#include "core/json_writer.hpp"

#include <nlohmann/json.hpp>

#include "tests/support/catch.hpp"
#include "tests/support/random_text.hpp"

using namespace enrichd;

namespace {

std::string as_json(std::string_view text) {
    std::string json;
    append_json_string(json, text);
    return json;
}

std::string read_back(const std::string& json) {
    const auto value = nlohmann::json::parse(json, nullptr, false);
    REQUIRE(value.is_string());
    return value.get<std::string>();
}

} // namespace

TEST_CASE("a JSON string escapes what it must and nothing else", "[core][json_writer]") {
    CHECK(as_json("") == "\"\"");
    CHECK(as_json("plain") == "\"plain\"");
    CHECK(as_json("\"\\/\b\f\n\r\t") == R"("\"\\/\b\f\n\r\t")");
    CHECK(as_json(std::string_view("\0\x01\x1f\x7f", 4)) == "\"\\u0000\\u0001\\u001f\x7f\"");
    CHECK(as_json("é ไทย 😀 \u2028") == "\"é ไทย 😀 \u2028\"");
}

TEST_CASE("a JSON string is added behind what is there", "[core][json_writer]") {
    std::string json = "{\"a\":";
    append_json_string(json, "b");
    CHECK(json == "{\"a\":\"b\"");
}

TEST_CASE("every control character at every place of a block comes back", "[core][json_writer]") {
    for (std::size_t size = 0; size < 36; ++size) {
        for (std::size_t at = 0; at < size; ++at) {
            for (int c = 0; c < 0x80; ++c) {
                std::string text(size, 'x');
                text[at] = static_cast<char>(c);
                const auto json = as_json(text);
                // Nothing that JSON forbids is left, and what was left alone was left whole.
                REQUIRE(nlohmann::json::parse(json, nullptr, false).get_ref<const std::string&>() == text);
            }
        }
    }
}

TEST_CASE("any text comes back from JSON as it was", "[core][json_writer]") {
    std::mt19937 random(17);
    for (int i = 0; i < 3000; ++i) {
        const auto text = test::random_text(random, random() % 300);
        REQUIRE(read_back(as_json(text)) == text);
    }
}

TEST_CASE("long texts cross the writer's buffer without loss", "[core][json_writer]") {
    std::mt19937 random(19);
    for (std::size_t size = 4050; size < 4150; ++size) {
        const std::string clean(size, 'x'), dirty(size, '\x1f');
        REQUIRE(read_back(as_json(clean)) == clean);
        REQUIRE(read_back(as_json(dirty)) == dirty);
    }
    const auto text = test::random_text(random, 300'000);
    CHECK(read_back(as_json(text)) == text);
}
