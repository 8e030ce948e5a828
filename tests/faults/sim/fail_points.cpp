// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim/fail_points.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace enrichd::faults {

namespace {

std::vector<const fail_point*>& registry() {
    static std::vector<const fail_point*> all;
    return all;
}

constexpr std::string_view any_point = "any";

bool is_known(std::string_view name) {
    const auto& all = fail_point::all();
    return name == any_point ||
           std::any_of(all.begin(), all.end(), [&](const auto* p) { return p->name() == name; });
}

std::optional<crash> parse_crash(std::string_view text) {
    const auto last = text.rfind(':');
    const auto middle = last == std::string_view::npos || last == 0 ? last : text.rfind(':', last - 1);
    if (middle == std::string_view::npos) return std::nullopt;
    crash c;
    c.point = text.substr(0, middle);
    const auto when = text.substr(middle + 1, last - middle - 1);
    const auto nth = text.substr(last + 1);
    const auto [end, fault] = std::from_chars(nth.data(), nth.data() + nth.size(), c.nth);
    if (fault != std::errc{} || end != nth.data() + nth.size() || c.nth == 0) return std::nullopt;
    if ((when != "before" && when != "after") || !is_known(c.point)) return std::nullopt;
    c.when = when == "before" ? moment::before : moment::after;
    return c;
}

} // namespace

fail_point::fail_point(const char* name) : name_(name) {
    registry().push_back(this);
}

const std::vector<const fail_point*>& fail_point::all() {
    return registry();
}

std::string to_string(const std::vector<crash>& crashes) {
    std::string text;
    for (const auto& c : crashes)
        text += fmt::format("{}{}:{}:{}", text.empty() ? "" : ",", c.point,
                            c.when == moment::before ? "before" : "after", c.nth);
    return text;
}

std::optional<std::vector<crash>> parse_crashes(std::string_view text) {
    std::vector<crash> all;
    while (!text.empty()) {
        const auto comma = text.find(',');
        const auto one = parse_crash(text.substr(0, comma));
        if (!one) return std::nullopt;
        all.push_back(*one);
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    }
    return all;
}

void fate::begin_life() {
    ++life_;
    counts_.clear();
    passed_ = 0;
    dead_ = false;
}

bool fate::ends_life(const fail_point& p, moment when) {
    if (dead_) return true;
    ++passed_;
    const auto nth = ++counts_[{p.name(), when}];
    seen_.insert(p.name());
    if (life_ == 1) first_life_.push_back({p.name(), when, nth});
    if (life_ == 0 || life_ > crashes_.size()) return false;
    const auto& end = crashes_[life_ - 1];
    dead_ = end.point == any_point ? end.nth == passed_
                                   : end.point == p.name() && end.when == when && end.nth == nth;
    return dead_;
}

} // namespace enrichd::faults
