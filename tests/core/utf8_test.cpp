// SPDX-License-Identifier: Apache-2.0
#include "core/utf8.hpp"

#include "tests/support/catch.hpp"

#include <string>
#include <utility>

using namespace enrichd;
using namespace std::string_literals;

TEST_CASE("well-formed text of any length and script is valid", "[core][utf8]") {
    for (const auto& text : {""s, "plain"s, "plain text longer than eight bytes"s, "é"s, "ภาษาไทย"s, "中文"s,
                             "👍"s, "\0"s, "12345678é"s, "1234567é"s, "\xED\x9F\xBF\xEE\x80\x80"s,
                             "\xF4\x8F\xBF\xBF"s, "\xEF\xBF\xBD\xEF\xBF\xBF"s}) {
        CAPTURE(text);
        CHECK(is_valid_utf8(text));
        const auto repair = replace_invalid_utf8(text);
        CHECK(repair.text == text);
        CHECK(repair.replaced == 0);
    }
}

TEST_CASE("one replacement character stands for each maximal part of a broken sequence", "[core][utf8]") {
    const std::string r = "\xEF\xBF\xBD";
    const std::pair<std::string, std::string> cases[] = {
        {"a\x80z", "a" + r + "z"},                               // a continuation alone
        {"a\xC0\xAFz", "a" + r + r + "z"},                       // never legal, then a continuation
        {"a\xE2\x82z", "a" + r + "z"},                           // cut short: one part
        {"a\xE2\x82", "a" + r},                                  // cut short by the end
        {"a\xF0\x9F\x91z", "a" + r + "z"},                       // three of four bytes
        {"\xF0\x9F\x91", r},                                     //
        {"\xE0\x80\x80", r + r + r},                             // overlong: E0 may not be followed by 80
        {"\xED\xA0\x80", r + r + r},                             // a surrogate
        {"\xF4\x90\x80\x80", r + r + r + r},                     // above U+10FFFF
        {"\xF5\xFF", r + r},                                     // bytes that never occur
        {"\xE2\xE2\x82\xAC", r + "\xE2\x82\xAC"},                // a lead byte begins anew
        {"\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64", // the example of the Unicode Standard, 3.9
         "a" + r + r + r + "b" + r + "c" + r + r + "d"},
    };
    for (const auto& [broken, mended] : cases) {
        CAPTURE(broken, mended);
        CHECK_FALSE(is_valid_utf8(broken));
        const auto repair = replace_invalid_utf8(broken);
        CHECK(repair.text == mended);
        CHECK(is_valid_utf8(repair.text));
        std::size_t count = 0;
        for (auto at = mended.find(r); at != std::string::npos; at = mended.find(r, at + 1))
            ++count;
        CHECK(repair.replaced == count);
    }
}

TEST_CASE("every code point decodes to itself, and is valid unless it is a surrogate", "[core][utf8]") {
    const auto encode = [](char32_t c) {
        const auto tail = [c](int shift) { return static_cast<char>(0x80 | (c >> shift & 0x3F)); };
        if (c < 0x80) return std::string{static_cast<char>(c)};
        if (c < 0x800) return std::string{static_cast<char>(0xC0 | c >> 6), tail(0)};
        if (c < 0x10000) return std::string{static_cast<char>(0xE0 | c >> 12), tail(6), tail(0)};
        return std::string{static_cast<char>(0xF0 | c >> 18), tail(12), tail(6), tail(0)};
    };
    std::size_t wrong = 0;
    for (char32_t c = 0; c < 0x110000; ++c) {
        const auto text = encode(c);
        const auto decoded = decode_utf8(text.data(), text.data() + text.size());
        const bool surrogate = c >= 0xD800 && c < 0xE000;
        wrong += decoded.value != c || decoded.length != text.size() || is_valid_utf8(text) == surrogate;
    }
    CHECK(wrong == 0);
}

TEST_CASE("decoding stays inside the text, whatever the bytes", "[core][utf8]") {
    for (int lead = 0x80; lead < 0x100; ++lead) {
        for (std::size_t length = 1; length < 4; ++length) {
            const std::string text(length, static_cast<char>(lead)); // the sanitizers see a read beyond it
            const auto decoded = decode_utf8(text.data(), text.data() + text.size());
            CHECK(decoded.length == 1);
            CHECK(decoded.value == U'\uFFFD');
        }
    }
}

TEST_CASE("the border before a position is where its character begins", "[core][utf8]") {
    const std::string text = "a\xE2\x82\xAC\xF0\x9F\x91\x8D";
    const std::size_t borders[] = {0, 1, 1, 1, 4, 4, 4, 4, 8, 8};
    for (std::size_t at = 0; at < std::size(borders); ++at)
        CHECK(utf8_border_before(text, at) == borders[at]);
}
