// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer.hpp"

#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <random>
#include <string>
#include <utility>
#include <vector>

extern "C" const char token_counts_begin[], token_counts_end[]; // tests/data/tokens/counts.jsonl

using namespace enrichd;

namespace {

constexpr encoding both[] = {encoding::cl100k_base, encoding::o200k_base};

struct counted_text {
    std::string text;
    std::size_t cl100k, o200k;
};

std::vector<counted_text> fixture() {
    std::vector<counted_text> texts;
    for (const char *line = token_counts_begin, *end; line != token_counts_end; line = end + 1) {
        end = std::find(line, token_counts_end, '\n');
        const auto parsed = nlohmann::json::parse(line, end);
        texts.push_back({parsed.at(0).get<std::string>(), parsed.at(1).get<std::size_t>(),
                         parsed.at(2).get<std::size_t>()});
    }
    return texts;
}

std::vector<std::string> words(token_counter& counter, std::string_view text) {
    std::vector<std::string> found;
    while (!text.empty()) {
        found.emplace_back(text.substr(0, counter.word_length(text)));
        text.remove_prefix(found.back().size());
    }
    return found;
}

std::string joined(token_counter& counter, const std::vector<token_id>& ids) {
    std::string text;
    for (auto id : ids)
        text += counter.bytes(id);
    return text;
}

// What byte pair encoding is, done word for word: slow, and easy to believe.
std::vector<token_id> merged_by_definition(const vocabulary& tokens, std::string_view word) {
    std::vector<std::string> parts;
    for (char byte : word)
        parts.emplace_back(1, byte);
    while (true) {
        token_id lowest = no_token;
        std::size_t at = 0;
        for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
            const auto id = tokens.find(parts[i] + parts[i + 1]);
            if (id < lowest) std::tie(lowest, at) = std::pair(id, i);
        }
        if (lowest == no_token) break;
        parts[at] += parts[at + 1];
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
    std::vector<token_id> ids;
    for (const auto& part : parts)
        ids.push_back(tokens.find(part));
    return ids;
}

std::string random_word(std::mt19937& random, std::string_view letters, std::size_t size) {
    std::string word;
    while (word.size() < size)
        word += letters[random() % letters.size()];
    return word;
}

} // namespace

TEST_CASE("an encoding is known by its name alone", "[core][tokenizer]") {
    for (auto which : both)
        CHECK(parse_encoding(name(which)) == which);
    for (auto wrong : {"", "cl100k", "CL100K_BASE", "p50k_base", "o200k_base "})
        CHECK_FALSE(parse_encoding(wrong));
}

TEST_CASE("counts agree with an independent encoder on every script", "[core][tokenizer]") {
    token_counter cl100k(encoding::cl100k_base);
    token_counter o200k(encoding::o200k_base);
    const auto texts = fixture();
    REQUIRE(texts.size() > 5000);
    for (int pass = 0; pass < 2; ++pass) { // the second one reads the word cache
        for (const auto& [text, in_cl100k, in_o200k] : texts) {
            if (cl100k.count(text) == in_cl100k && o200k.count(text) == in_o200k) continue;
            CAPTURE(text);
            CHECK(cl100k.count(text) == in_cl100k);
            CHECK(o200k.count(text) == in_o200k);
        }
    }
}

TEST_CASE("tokens have the numbers that OpenAI gave them", "[core][tokenizer]") {
    using ids = std::vector<token_id>;
    token_counter cl100k(encoding::cl100k_base);
    CHECK(cl100k.encode("hello world") == ids{15339, 1917});
    CHECK(cl100k.encode("a\uFEFFb") == ids{64, 3305, 65});
    token_counter o200k(encoding::o200k_base);
    CHECK(o200k.encode("hello world") == ids{24912, 2375});
}

TEST_CASE("tokens spell the text, and are as many as counted", "[core][tokenizer]") {
    for (auto which : both) {
        token_counter counter(which);
        for (const auto& each : fixture()) {
            const auto ids = counter.encode(each.text);
            if (joined(counter, ids) == each.text && counter.count(each.text) == ids.size()) continue;
            CAPTURE(each.text);
            CHECK(joined(counter, ids) == each.text);
            CHECK(counter.count(each.text) == ids.size());
        }
    }
}

TEST_CASE("words end where the published patterns say", "[core][tokenizer]") {
    using list = std::vector<std::string>;
    token_counter cl100k(encoding::cl100k_base);
    token_counter o200k(encoding::o200k_base);
    CHECK(words(cl100k, "It's  a\tTEST, x/\n/\n12345") ==
          list{"It", "'s", " ", " a", "\tTEST", ",", " x", "/\n", "/\n", "123", "45"});
    CHECK(words(o200k, "It's  a\tTEST, x/\n/\n12345") ==
          list{"It's", " ", " a", "\tTEST", ",", " x", "/\n/\n", "123", "45"});
    CHECK(words(cl100k, "camelCase ABCdef") == list{"camelCase", " ABCdef"});
    CHECK(words(o200k, "camelCase ABCdef ABC中DEF") == list{"camel", "Case", " ABCdef", " ABC中", "DEF"});
    CHECK(words(cl100k, "x \n \n  y  ") == list{"x", " \n \n", " ", " y", "  "});
    CHECK(words(cl100k, "'ſ'RE'x") == list{"'ſ", "'RE", "'x"});
    CHECK(words(o200k, "a'ſb'RE'x") == list{"a'ſ", "b'RE", "'x"});
    CHECK(words(o200k, "\u0301AB \u0301a!\u0301A") == list{"\u0301", "AB", " \u0301a", "!\u0301", "A"});
}

TEST_CASE("a text's count is the sum of its words' counts", "[core][tokenizer]") {
    for (auto which : both) {
        token_counter counter(which);
        for (const auto& each : fixture()) {
            std::size_t sum = 0;
            for (const auto& word : words(counter, each.text))
                sum += counter.count_word(word, word.size());
            if (sum == counter.count(each.text)) continue;
            CAPTURE(each.text);
            CHECK(sum == counter.count(each.text));
        }
    }
}

TEST_CASE("every token is made by the merge that the table names, of older tokens", "[core][tokenizer]") {
    for (auto which : both) {
        const auto& tokens = vocabulary::of(which);
        REQUIRE(tokens.size() == (which == encoding::cl100k_base ? 100'256U : 199'998U));
        std::size_t wrong = 0;
        for (token_id id = 0; id < tokens.size(); ++id) {
            wrong += tokens.find(tokens.bytes(id)) != id ||
                     token_prefixes(tokens, tokens.bytes(id)).longest() != id;
            if (vocabulary::is_byte(id)) continue;
            const auto left = tokens.left(id);
            const auto right = tokens.right(id);
            wrong += left >= id || right >= id || tokens.merged(left, right) != id;
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("long words are encoded as merging by definition would", "[core][tokenizer]") {
    std::mt19937 random(7); // NOLINT: the same words each time
    const std::string_view alphabets[] = {"a",
                                          "ab",
                                          "aab",
                                          "ACGT",
                                          "etaoinshr",
                                          " ",
                                          "\n ",
                                          "=-",
                                          "\xE4\xB8\xAD\xAE",
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"};
    for (auto which : both) {
        const auto& tokens = vocabulary::of(which);
        byte_pair_encoder encoder(tokens);
        for (int i = 0; i < 300; ++i) {
            const auto word =
                random_word(random, alphabets[random() % std::size(alphabets)], 1 + random() % 250);
            if (tokens.find(word) != no_token) continue;
            CAPTURE(name(which), word);
            REQUIRE(encoder.encode(word) == merged_by_definition(tokens, word));
        }
    }
}

TEST_CASE("any bytes at all are counted without harm", "[core][tokenizer]") {
    std::mt19937 random(11); // NOLINT: the same bytes each time
    for (auto which : both) {
        token_counter counter(which);
        for (int i = 0; i < 2000; ++i) {
            std::string text;
            for (auto size = random() % 40; text.size() < size;)
                text += static_cast<char>(random());
            const auto ids = counter.encode(text);
            REQUIRE(joined(counter, ids) == text);
            REQUIRE(counter.count(text) == ids.size());
        }
    }
}
