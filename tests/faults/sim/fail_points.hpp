// Places where the simulated machine can die, and when it does.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd::faults {

/// Made at namespace scope by the code that passes it, and by nothing else: the set of all of them is what
/// the code defines.
class fail_point {
public:
    explicit fail_point(const char* name);
    const char* name() const { return name_; }
    static const std::vector<const fail_point*>& all();

private:
    const char* name_;
};

enum class moment { before, after };

/// The `nth` time, from 1 and since the machine was started, that a life passes this point. The point "any"
/// stands for all of them, and for both moments.
struct crash {
    std::string point;
    moment when = moment::before;
    std::uint64_t nth = 1;
};

/// "provider.create_batch:after:2", several joined by commas: one for each life, the first dies first.
std::string to_string(const std::vector<crash>& crashes);
/// The reverse; absent for anything else, and for points that there are not.
std::optional<std::vector<crash>> parse_crashes(std::string_view text);

/// Counts the points that are passed, and says at which one the machine dies. Dead stays dead until the next
/// life begins.
class fate {
public:
    explicit fate(std::vector<crash> crashes) : crashes_(std::move(crashes)) {}

    void begin_life();
    /// True: the machine dies here, or is dead already.
    bool ends_life(const fail_point& p, moment when);
    /// Here and now, of something else than a point.
    void die() { dead_ = true; }
    bool dead() const { return dead_; }
    std::uint64_t lives() const { return life_; }

    /// What was passed in the first life, in order, and by name in all of them.
    const std::vector<crash>& first_life() const { return first_life_; }
    const std::set<std::string>& seen() const { return seen_; }
    /// How many points this life has passed.
    std::uint64_t passed() const { return passed_; }

private:
    std::vector<crash> crashes_;
    std::vector<crash> first_life_;
    std::map<std::pair<std::string, moment>, std::uint64_t> counts_;
    std::set<std::string> seen_;
    std::uint64_t passed_ = 0;
    std::uint64_t life_ = 0; ///< number of the one that goes on, from 1
    bool dead_ = false;
};

} // namespace enrichd::faults
