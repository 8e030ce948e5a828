// How fast tokens are counted and chunks are cut, beside passes that do less, in one interleaved run.
// SPDX-License-Identifier: Apache-2.0
//
//   tokenizer_bench FILE...
//
// Each file is one text. Absolute figures depend on the machine and its mood; the ratios hold. "cold" is a
// new counter, "warm" the same one once more, "words" finds the words alone, "bytes" adds up the bytes.
#include "core/chunker.hpp"
#include "core/tokenizer.hpp"
#include "core/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iterator>
#include <numeric>
#include <string>

using namespace enrichd;

namespace {

constexpr int rounds = 5;

// Milliseconds of processor time that the work takes, as others on the machine disturb it less; what it
// returns is kept from being optimised away.
template <class Work>
double timed(Work work) {
    static volatile std::size_t sink = 0;
    const auto start = std::clock();
    sink = sink + work();
    return static_cast<double>(std::clock() - start) * 1e3 / CLOCKS_PER_SEC;
}

std::size_t count_words(encoding which, std::string_view text) {
    std::size_t words = 0;
    const char* const end = text.data() + text.size();
    for (const char* at = text.data(); at != end; ++words)
        at = word_end(which, at, end);
    return words;
}

void measure_text(const std::string& label, std::string_view text) {
    for (auto which : {encoding::cl100k_base, encoding::o200k_base}) {
        struct {
            double bytes = 1e300, words = 1e300, cold = 1e300, warm = 1e300, chunks = 1e300;
        } best;
        const auto keep = [](double& least, double ms) { least = std::min(least, ms); };
        std::size_t tokens = 0;
        for (int round = 0; round < rounds; ++round) {
            token_counter counter(which);
            keep(best.bytes,
                 timed([&] { return std::accumulate(text.begin(), text.end(), std::size_t{0}); }));
            keep(best.words, timed([&] { return count_words(which, text); }));
            keep(best.cold, timed([&] { return tokens = counter.count(text); }));
            keep(best.warm, timed([&] { return counter.count(text); }));
            keep(best.chunks, timed([&] { return cut_chunks(text, counter).size(); }));
        }
        const auto rate = [&](double ms) { return static_cast<double>(text.size()) / 1e3 / ms; };
        fmt::print("{} {}: {:.1f} MB, {} tokens\n", label, name(which),
                   static_cast<double>(text.size()) / 1e6, tokens);
        for (const auto& [what, ms] : {std::pair{"bytes", best.bytes},
                                       {"words", best.words},
                                       {"count cold", best.cold},
                                       {"count warm", best.warm},
                                       {"chunks warm", best.chunks}})
            fmt::print("  {:12} {:8.0f} MB/s   {:6.2f} x words\n", what, rate(ms), ms / best.words);
    }
}

// Ten times the length should take ten times as long, in one word as in many.
void measure_growth(std::string_view letters) {
    for (auto which : {encoding::cl100k_base, encoding::o200k_base}) {
        token_counter counter(which);
        double best[2] = {1e300, 1e300};
        for (int round = 0; round < rounds; ++round) {
            for (int i = 0; i < 2; ++i) {
                std::string word;
                std::uint32_t state = 1;
                for (const std::size_t size = i == 0 ? 100'000 : 1'000'000; word.size() < size;) {
                    state = state * 1664525 + 1013904223;
                    word += letters[(state >> 16) % letters.size()];
                }
                best[i] = std::min(best[i], timed([&] { return counter.count(word); }));
            }
        }
        fmt::print("one word of '{}' {}: 100 KB {:.2f} ms, 1 MB {:.2f} ms, {:.1f} x\n", letters, name(which),
                   best[0], best[1], best[1] / best[0]);
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        fmt::print(stderr, "usage: {} FILE...   (text in UTF-8; some megabytes each)\n", argv[0]);
        return 2;
    }
    for (auto which : {encoding::cl100k_base, encoding::o200k_base})
        fmt::print("{} loaded in {:.1f} ms\n", name(which),
                   timed([&] { return vocabulary::of(which).size(); }));
    for (int i = 1; i < argc; ++i) {
        std::ifstream file(argv[i], std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        if (bytes.empty()) {
            fmt::print(stderr, "{}: cannot be read, or is empty\n", argv[i]);
            return 1;
        }
        measure_text(argv[i], replace_invalid_utf8(bytes).text);
    }
    for (auto letters : {"a", "etaoinshrdlu", "=", "ab"})
        measure_growth(letters);
}
