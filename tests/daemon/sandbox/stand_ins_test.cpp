// The stand-ins for models: sentences picked from a text, vectors of its words.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/lexical_vector.hpp"
#include "daemon/sandbox/summary.hpp"
#include "daemon/sandbox/words.hpp"
#include "tests/support/catch.hpp"

#include <cmath>
#include <cstring>

using namespace enrichd::sandbox;

namespace {

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return sum;
}

double nearness(std::string_view a, std::string_view b) {
    return cosine(lexical_vector(a, 1536), lexical_vector(b, 1536));
}

} // namespace

TEST_CASE("words are folded to lower case in several scripts", "[sandbox]") {
    CHECK(fold("  The QUICK-brown_fox!  ") == U"the quick brown fox");
    CHECK(fold("\u00C4PFEL \u0416\u0423\u041A \u039B\u039F\u0393\u039F\u03A3") ==
          U"\u00E4pfel \u0436\u0443\u043A \u03BB\u03BF\u03B3\u03BF\u03C3");
    CHECK(fold("\u6F22\u5B57\u3002\u304B\u306A") == U"\u6F22\u5B57 \u304B\u306A");
    CHECK(fold("bad \xFF\xC3 bytes") == U"bad bytes");
    CHECK(words_of(U"a bc d").size() == 3);
    CHECK(is_stop_word(U"the"));
    CHECK_FALSE(is_stop_word(U"kernel"));
}

TEST_CASE("sentences end where a reader would say so", "[sandbox]") {
    CHECK(sentences_of("One is here. Two is there! Is three?  Four") ==
          std::vector<std::string>{"One is here.", "Two is there!", "Is three?", "Four"});
    CHECK(sentences_of("Version 6.1 by J. Smith, e.g. this one. Next.") ==
          std::vector<std::string>{"Version 6.1 by J. Smith, e.g. this one.", "Next."});
    CHECK(sentences_of("  * New upstream release.\n  * Fix a leak\n    in the parser\n\nDone") ==
          std::vector<std::string>{"New upstream release.", "Fix a leak in the parser", "Done"});
    CHECK(sentences_of("\u4E00\u3002\u4E8C\uFF01").size() == 2);
    CHECK(sentences_of(" \n ").empty());
}

TEST_CASE("a summary is made of at most two of the text's own sentences, in order", "[sandbox]") {
    const std::string text =
        "The parser had a leak. Bananas are yellow. The parser could crash on a large file. "
        "The leak of the parser grew with each large file. The weather was fine that day.";
    CHECK(summarise(text, 1) == "The parser had a leak.");
    CHECK(summarise(text, 2) == "The parser had a leak. The parser could crash on a large file.");
    CHECK(summarise("", 2) == "The text is empty.");
    CHECK(summarise("...", 2) == "...");
    CHECK(summarise("the of and", 2) == "the of and");
    CHECK(summarise(std::string(100'000, 'x'), 2).size() < 200);
    std::string list = "Fixes CVE-2026-1000";
    for (int i = 1001; i < 1100; ++i)
        list += ", CVE-2026-" + std::to_string(i);
    const auto summary = summarise(list + ".", 2);
    CHECK(summary.size() < 200);
    CHECK(summary.substr(0, 40) == list.substr(0, 40));
    CHECK(summary.substr(summary.size() - 5) == ", \u2026");
}

TEST_CASE("the data of a prompt is what stands within its fence", "[sandbox]") {
    CHECK(fenced_text("Summarise:\n<text>\nabc <b>d</b>\n</text>\nTwo sentences.") == "\nabc <b>d</b>\n");
    CHECK(fenced_text("Here:\n```\nabc\n```\nend") == "abc\n");
    CHECK(fenced_text("Here:\n<<<\nabc\n>>>") == "abc\n");
    CHECK(fenced_text("no fence, 1 < 2 > 0") == "no fence, 1 < 2 > 0");
}

TEST_CASE("a lexical vector has length one, any dimensions, and is always the same", "[sandbox]") {
    for (const std::size_t dimensions : {1u, 2u, 256u, 1536u, 3072u}) {
        for (const char* text : {"security update of the kernel", "", "...", "the"}) {
            CAPTURE(dimensions, text);
            const auto v = lexical_vector(text, dimensions);
            REQUIRE(v.size() == dimensions);
            CHECK(cosine(v, v) == Approx(1).margin(1e-5));
            CHECK(v == lexical_vector(text, dimensions));
        }
    }
}

TEST_CASE("similar texts are nearer than unlike ones", "[sandbox]") {
    const auto* update = "openssl: security update fixes a buffer overflow in certificate parsing";
    const auto* alike = "A buffer overflow while parsing certificates was fixed in OpenSSL";
    const auto* other = "New Vietnamese translation of the installer by volunteers";
    CHECK(nearness(update, alike) > 0.4);
    CHECK(nearness(update, other) < 0.2);
    // Inflected words share n-grams, and scripts without spaces share them too.
    CHECK(nearness("translations translated", "translator translating") > 0.3);
    CHECK(nearness("\u6F22\u5B57\u304C\u597D\u304D\u3067\u3059",
                   "\u6F22\u5B57\u304C\u5ACC\u3044\u3067\u3059") > 0.3);
    CHECK(std::abs(nearness("\u6F22\u5B57\u304C\u597D\u304D\u3067\u3059", update)) < 0.15);
}

TEST_CASE("base64 vectors are little-endian float32", "[sandbox]") {
    CHECK(base64_floats({1.0F}) == "AACAPw==");
    CHECK(base64_floats({1.0F, -2.0F, 0.5F}) == "AACAPwAAAMAAAAA/");
}
