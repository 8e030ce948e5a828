// JSON that others wrote, at the edge where it comes in: nothing here throws, whatever the text is.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace enrichd {

/// Absent if it is not JSON in valid UTF-8, or nests deeper than `max_depth` arrays and objects.
std::optional<nlohmann::json> parse_json(std::string_view text, int max_depth = 64);

/// The member of that name; null where `object` is no object, has no such member, or says null there.
const nlohmann::json* member(const nlohmann::json& object, std::string_view key);

/// A member that is a string and not empty.
std::optional<std::string> text_member(const nlohmann::json& object, std::string_view key);

/// A member that is a whole number, also one written as 1736489773.0.
std::optional<std::int64_t> integer_member(const nlohmann::json& object, std::string_view key);

/// A member that is a time in seconds since 1970; a fraction is dropped. Absent where it lies beyond the
/// years of four digits: no such time is meant, and milliseconds made of it must not overflow.
std::optional<std::int64_t> time_member(const nlohmann::json& object, std::string_view key);

/// The first characters of any bytes, fit for one line of a log: control characters, what is not UTF-8, and
/// marks that turn the writing direction are escaped; what was cut off is shown as "...".
std::string safe_excerpt(std::string_view bytes, std::size_t max_characters = 200);

} // namespace enrichd
