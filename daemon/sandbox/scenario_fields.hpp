// The fields of a JSON object, read one by one and every mistake named. Internal to the scenario's reader.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd::sandbox {

class scenario_fields {
public:
    /// `place` as messages name it ("rules[2]"); mistakes are added to `mistakes`.
    scenario_fields(const nlohmann::json& object, std::string place, std::vector<std::string>& mistakes);

    /// Each gives the fallback where the field is absent or wrong.
    std::string text(const char* field, std::string fallback = {});
    double number(const char* field, double low, double high, double fallback);
    std::uint64_t count(std::string_view field, std::uint64_t low, std::uint64_t fallback,
                        std::uint64_t high = std::numeric_limits<std::uint64_t>::max());
    /// A positive whole number, or a list of such.
    std::vector<std::uint64_t> counts(const char* field);
    bool has(const char* field) const { return object_.contains(field); }
    /// Any value, as JSON text; empty where absent.
    std::string raw(const char* field);

    /// The index of the word that the field has; absent, after naming the mistake, where it is none of them.
    std::optional<std::size_t> word(const char* field, const std::vector<std::string>& words,
                                    bool required = true);

    void mistake(std::string_view field, std::string_view what);
    /// Every field that nobody asked for is a mistake.
    void finish();

private:
    const nlohmann::json* find(std::string_view field);

    const nlohmann::json& object_;
    std::string place_;
    std::vector<std::string>& mistakes_;
    std::vector<std::string> known_;
};

/// A value as a message quotes it, at most 60 characters.
std::string quoted(const nlohmann::json& value);

} // namespace enrichd::sandbox
