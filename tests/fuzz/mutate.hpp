// Inputs made from other inputs, always the same ones: for fuzz_replay, which has no coverage to be led by.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace enrichd::fuzz {

/// One target as the table of all names it.
struct target {
    const char* name;
    int (*run)(const std::uint8_t* data, std::size_t size);
};

/// What is hostile to any parser by its size alone: a hundred thousand brackets, quotes, digits, zeros.
std::vector<std::string> bombs();

/// The seed with balanced brackets, nested a hundred thousand deep, in place of some of its values.
std::vector<std::string> with_bombs(const std::string& seed);

/// Seed number `at` with a few changes: bits, bytes, ranges, numbers, pieces of the other seeds.
std::string mutated(const std::vector<std::string>& seeds, std::size_t at, std::mt19937& random);

} // namespace enrichd::fuzz
