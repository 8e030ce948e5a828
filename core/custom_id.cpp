// SPDX-License-Identifier: Apache-2.0
#include "core/custom_id.hpp"

#include <fmt/format.h>

#include <span>

#include "core/sha256.hpp"

namespace enrichd {

std::string make_custom_id(kind k, std::string_view version, const text_hash& hash, std::uint32_t part) {
    const auto digest =
        sha256::of(fmt::format("enrichd request 1\n{}\n{}\n{}\n{}\n", name(k), version, to_hex(hash), part));
    return fmt::format("{}{}", k == kind::summaries ? 's' : 'e', to_hex(std::span(digest).first(20)));
}

} // namespace enrichd
