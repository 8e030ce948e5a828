// SPDX-License-Identifier: Apache-2.0
#include "core/chunker.hpp"

#include "core/utf8.hpp"
#include "tests/support/catch.hpp"

#include <random>
#include <set>
#include <string>

using namespace enrichd;

namespace {

std::string repeated(std::string_view part, std::size_t times) {
    std::string text;
    while (times-- > 0)
        text += part;
    return text;
}

// Texts in which words are of all sizes, and some no window of a test holds.
std::string random_text(std::mt19937& random) {
    const std::string_view atoms[] = {
        "word ", "The ",   "camelCase", "A",   "中文",   "ภาษาไทย", "\u0301", "👍",        "\n", "   ",
        "1234",  "!",      "!!!!!!!!",  "/\n", "'s",     "'",       "\uFEFF", "É",        " ",  "\r\n",
        "ABCD",  "αβγΔΕΖ", "\u3000",    "=",   "한국어", "ǅ",       "x",      "Lo\u0301", "."};
    std::string text;
    for (auto n = random() % 60; n > 0; --n) {
        const auto atom = atoms[random() % std::size(atoms)];
        text += random() % 12 == 0 ? repeated(atom, 1 + random() % 80) : std::string(atom);
    }
    return text;
}

std::set<std::size_t> word_borders(std::string_view text, token_counter& counter) {
    std::set<std::size_t> borders{0};
    for (std::size_t at = 0; at < text.size(); borders.insert(at))
        at += counter.word_length(text.substr(at));
    return borders;
}

std::size_t longest_word(std::string_view text, token_counter& counter) {
    std::size_t most = 0;
    while (!text.empty()) {
        const auto length = counter.word_length(text);
        most = std::max<std::size_t>(most, counter.count_word(text, length));
        text.remove_prefix(length);
    }
    return most;
}

// What holds of the chunks of any text.
void check_chunks(std::string_view text, token_counter& counter, chunk_limits limits) {
    const auto chunks = cut_chunks(text, counter, limits);
    REQUIRE(chunks.empty() == text.empty());
    const auto borders = word_borders(text, counter);
    const bool cuts_words = longest_word(text, counter) > limits.window;

    std::size_t covered = 0;
    for (const auto& each : chunks) {
        const auto part = text.substr(each.offset, each.length);
        REQUIRE(each.offset <= covered);
        REQUIRE(each.offset + each.length > covered);
        REQUIRE(each.tokens <= limits.window);
        REQUIRE(each.tokens == counter.count(part));
        REQUIRE(is_valid_utf8(part));
        if (each.offset < covered)
            REQUIRE(counter.count(text.substr(each.offset, covered - each.offset)) <= limits.overlap + 4);
        covered = each.offset + each.length;
        if (cuts_words) continue;
        REQUIRE(borders.count(each.offset) == 1);
        REQUIRE(borders.count(covered) == 1);
    }
    REQUIRE(covered == text.size());
    if (counter.count(text) <= limits.window && !text.empty())
        REQUIRE(chunks ==
                std::vector<chunk>{{0, text.size(), static_cast<std::uint32_t>(counter.count(text))}});
}

} // namespace

TEST_CASE("a text within the window is one chunk, and nothing is none", "[core][chunker]") {
    token_counter counter(encoding::cl100k_base);
    CHECK(cut_chunks("", counter).empty());
    CHECK(cut_chunks("hello world", counter) == std::vector<chunk>{{0, 11, 2}});
    const auto full = "a" + repeated(" b", 1499);
    CHECK(cut_chunks(full, counter) == std::vector<chunk>{{0, full.size(), 1500}});
}

TEST_CASE("windows of 1500 tokens share 150 with their neighbours", "[core][chunker]") {
    token_counter counter(encoding::cl100k_base);
    const auto text = "a" + repeated(" b", 3999); // a token a word
    CHECK(cut_chunks(text, counter) ==
          std::vector<chunk>{{0, 2999, 1500}, {2699, 3000, 1500}, {5399, 2600, 1300}});
}

TEST_CASE("chunks keep their promises on any text and any limits", "[core][chunker]") {
    std::mt19937 random(3); // NOLINT: the same texts each time
    for (auto which : {encoding::cl100k_base, encoding::o200k_base}) {
        token_counter counter(which);
        for (int i = 0; i < 1500; ++i) {
            const auto text = random_text(random);
            const auto window = 4 + static_cast<std::uint32_t>(random() % 40);
            const chunk_limits limits{window, static_cast<std::uint32_t>(random() % (window / 2 + 1))};
            CAPTURE(name(which), text, limits.window, limits.overlap);
            check_chunks(text, counter, limits);
        }
    }
}

TEST_CASE("one huge word of any kind is cut at characters", "[core][chunker]") {
    for (auto which : {encoding::cl100k_base, encoding::o200k_base}) {
        token_counter counter(which);
        for (auto part : {"a", "xq", "中文字", "ภาษา", "!?", " ", "\n", "\u0301", "👍", "Aあ", "É"}) {
            CAPTURE(name(which), part);
            const auto text = "Begin " + repeated(part, 20000 / std::string_view(part).size()) + " end.";
            check_chunks(text, counter, {200, 20});
            CHECK(cut_chunks(text, counter, {200, 20}).size() * 200 < counter.count(text) * 3 / 2 + 400);
        }
    }
}

TEST_CASE("limits that make no sense are taken as the nearest that do", "[core][chunker]") {
    token_counter counter(encoding::cl100k_base);
    const auto text = repeated("one two three 👍🏽 ", 50);
    CHECK(cut_chunks(text, counter, {0, 0}) == cut_chunks(text, counter, {4, 0}));
    CHECK(cut_chunks(text, counter, {10, 4000}) == cut_chunks(text, counter, {10, 5}));
}

TEST_CASE("a text is cut to its first tokens at a word's end", "[core][chunker]") {
    token_counter counter(encoding::o200k_base);
    const auto cut = [&](std::string_view text, std::uint32_t most) {
        return cut_to_tokens(text, counter, most);
    };
    CHECK(cut("one two three", 2).text == "one two");
    CHECK(cut("one two three", 2).tokens == 2);
    CHECK(cut("one two three", 3).text == "one two three");
    CHECK(cut("one two three", 0).text.empty());
    CHECK(cut("", 5).tokens == 0);
}

TEST_CASE("what is cut off is no more than the limit demands", "[core][chunker]") {
    std::mt19937 random(5); // NOLINT: the same texts each time
    for (auto which : {encoding::cl100k_base, encoding::o200k_base}) {
        token_counter counter(which);
        for (int i = 0; i < 1500; ++i) {
            const auto text = random_text(random);
            const auto most = static_cast<std::uint32_t>(random() % 60);
            CAPTURE(name(which), text, most);
            const auto cut = cut_to_tokens(text, counter, most);
            REQUIRE(text.starts_with(cut.text));
            REQUIRE(is_valid_utf8(cut.text));
            REQUIRE(cut.tokens == counter.count(cut.text));
            REQUIRE(cut.tokens <= most);
            if (cut.text.size() == text.size()) continue;
            const auto rest = std::string_view(text).substr(cut.text.size());
            const auto next = counter.count(rest.substr(0, counter.word_length(rest)));
            REQUIRE(cut.tokens + next + 4 > most);
        }
    }
}
