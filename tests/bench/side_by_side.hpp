// Compares ways of doing one thing on a noisy machine: round by round in turn, by the processor time of the
// thread, and only the ratios count.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

namespace enrichd::bench {

struct contestant {
    std::string name;
    std::function<void()> run;
};

inline double thread_seconds() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

/// Runs all of them in each of nine rounds and prints, for each, the median rate in MB/s of `bytes` and the
/// median over the rounds of its rate by that of the first.
inline void side_by_side(const std::string& what, std::size_t bytes, const std::vector<contestant>& all) {
    constexpr int rounds = 9;
    std::vector<std::vector<double>> seconds(all.size());
    for (int round = 0; round < rounds; ++round) {
        for (std::size_t i = 0; i < all.size(); ++i) {
            const auto begin = thread_seconds();
            all[i].run();
            seconds[i].push_back(thread_seconds() - begin);
        }
    }
    const auto median = [](std::vector<double> v) {
        std::nth_element(v.begin(), v.begin() + rounds / 2, v.end());
        return v[rounds / 2];
    };
    fmt::print("{}\n", what);
    for (std::size_t i = 0; i < all.size(); ++i) {
        std::vector<double> ratios;
        for (int round = 0; round < rounds; ++round)
            ratios.push_back(seconds[0][static_cast<std::size_t>(round)] /
                             seconds[i][static_cast<std::size_t>(round)]);
        fmt::print("  {:<34} {:>9.0f} MB/s {:>8.3f}x\n", all[i].name,
                   static_cast<double>(bytes) / median(seconds[i]) / 1e6, median(ratios));
    }
}

} // namespace enrichd::bench
