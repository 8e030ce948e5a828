// When power is lost, and what of the disk survives it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd::faults {

enum class image_kind {
    kept,    ///< everything that was written
    dropped, ///< what was synced, and nothing else
    random   ///< of the rest a part that follows from a seed, down to torn sectors
};

/// With the operation of this number on the disk, counted from 1 and since power was last lost.
struct power_loss {
    std::uint64_t at = 1;
    image_kind how = image_kind::dropped;
    std::uint64_t seed = 0; ///< of a random one
};

/// "137:dropped" or "137:random:5", several joined by commas.
std::string to_string(const std::vector<power_loss>& losses);
/// The reverse; absent for anything else.
std::optional<std::vector<power_loss>> parse_losses(std::string_view text);

} // namespace enrichd::faults
