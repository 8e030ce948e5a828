// SPDX-License-Identifier: Apache-2.0
#include "core/base64.hpp"

#include <optional>
#include <random>
#include <vector>

#include "tests/support/catch.hpp"

using namespace enrichd;

namespace {

std::string encoded(std::string_view text) {
    return encode_base64(std::as_bytes(std::span(text)));
}

std::optional<std::string> decoded(std::string_view text) {
    const auto size = base64_size(text);
    if (size == std::string_view::npos) return std::nullopt;
    std::string bytes(size, '\0');
    if (!decode_base64(text, std::as_writable_bytes(std::span(bytes)))) return std::nullopt;
    return bytes;
}

} // namespace

TEST_CASE("base64 follows the examples of RFC 4648", "[core][base64]") {
    const std::pair<const char*, const char*> examples[] = {{"", ""},
                                                            {"f", "Zg=="},
                                                            {"fo", "Zm8="},
                                                            {"foo", "Zm9v"},
                                                            {"foob", "Zm9vYg=="},
                                                            {"fooba", "Zm9vYmE="},
                                                            {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, text] : examples) {
        CAPTURE(plain);
        CHECK(encoded(plain) == text);
        CHECK(decoded(text) == plain);
    }
}

TEST_CASE("any bytes come back from base64 as they were", "[core][base64]") {
    std::mt19937 random(3);
    for (std::size_t size = 0; size < 200; ++size) {
        std::string bytes(size, '\0');
        for (auto& b : bytes)
            b = static_cast<char>(random());
        REQUIRE(decoded(encoded(bytes)) == bytes);
    }
}

TEST_CASE("what is not base64 is refused, at every place of a group", "[core][base64]") {
    for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "====", "Z===", "=Zg=", "Zm9v\n", "Zm9vYg==AAAA",
                             "Zm-v", "Zm_v", " Zm9", "Zm9\x80", "Zm\0v", "Z@==", "Zm@="}) {
        CAPTURE(text);
        CHECK_FALSE(decoded(text));
    }
    for (std::size_t at = 0; at < 8; ++at) {
        std::string text = "Zm9vYmFy";
        text[at] = '!';
        CAPTURE(at);
        CHECK_FALSE(decoded(text));
    }
}
