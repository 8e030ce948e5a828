// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/scenario_fields.hpp"

#include "core/json_edge.hpp"
#include "core/suggest.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace enrichd::sandbox {

using nlohmann::json;

std::string quoted(const json& value) {
    auto text = value.dump(-1, ' ', true, json::error_handler_t::replace);
    if (text.size() > 60) text = text.substr(0, 57) + "...";
    return text;
}

scenario_fields::scenario_fields(const json& object, std::string place, std::vector<std::string>& mistakes)
    : object_(object), place_(std::move(place)), mistakes_(mistakes) {}

const json* scenario_fields::find(std::string_view field) {
    known_.emplace_back(field);
    const auto at = object_.find(field);
    return at == object_.end() ? nullptr : &*at;
}

void scenario_fields::mistake(std::string_view field, std::string_view what) {
    mistakes_.push_back(
        fmt::format("{}{}{}: {}", place_, place_.empty() ? "" : ".", safe_excerpt(field, 60), what));
}

std::string scenario_fields::text(const char* field, std::string fallback) {
    const auto* value = find(field);
    if (!value) return fallback;
    if (value->is_string()) return value->get<std::string>();
    mistake(field, fmt::format("expected a string, got {}", quoted(*value)));
    return fallback;
}

double scenario_fields::number(const char* field, double low, double high, double fallback) {
    const auto* value = find(field);
    if (!value) return fallback;
    if (value->is_number() && value->get<double>() >= low && value->get<double>() <= high)
        return value->get<double>();
    mistake(field, fmt::format("expected a number from {} to {}, got {}", low, high, quoted(*value)));
    return fallback;
}

std::uint64_t scenario_fields::count(std::string_view field, std::uint64_t low, std::uint64_t fallback,
                                     std::uint64_t high) {
    const auto* value = find(field);
    if (!value) return fallback;
    if (value->is_number_unsigned()) {
        const auto n = value->get<std::uint64_t>();
        if (n >= low && n <= high) return n;
    }
    const bool open = high == std::numeric_limits<std::uint64_t>::max();
    const auto range = open ? fmt::format("a whole number, at least {}", low)
                            : fmt::format("a whole number from {} to {}", low, high);
    mistake(field, fmt::format("expected {}, got {}", range, quoted(*value)));
    return fallback;
}

std::vector<std::uint64_t> scenario_fields::counts(const char* field) {
    const auto* value = find(field);
    if (!value) return {};
    const json list = value->is_array() ? *value : json::array({*value});
    std::vector<std::uint64_t> out;
    for (const auto& item : list) {
        if (!item.is_number_unsigned() || item.get<std::uint64_t>() == 0) {
            mistake(field, fmt::format("expected a positive whole number or a list of such, got {}",
                                       quoted(*value)));
            return {};
        }
        out.push_back(item.get<std::uint64_t>());
    }
    return out;
}

std::string scenario_fields::raw(const char* field) {
    const auto* value = find(field);
    return value ? value->dump() : std::string();
}

std::optional<std::size_t> scenario_fields::word(const char* field, const std::vector<std::string>& words,
                                                 bool required) {
    const auto* value = find(field);
    if (!value && !required) return std::nullopt;
    if (value && value->is_string()) {
        const auto at = std::find(words.begin(), words.end(), value->get<std::string>());
        if (at != words.end()) return static_cast<std::size_t>(at - words.begin());
    }
    const auto suggestion = value && value->is_string() ? did_you_mean(value->get<std::string>(), words) : "";
    mistake(field, fmt::format("expected one of {}, got {}{}", fmt::join(words, ", "),
                               value ? quoted(*value) : std::string("nothing"), suggestion));
    return std::nullopt;
}

void scenario_fields::finish() {
    for (const auto& [key, value] : object_.items())
        if (std::find(known_.begin(), known_.end(), key) == known_.end())
            mistake(key, "unknown key here" + did_you_mean(key, known_));
}

} // namespace enrichd::sandbox
