// The name of a request within its file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/kind.hpp"
#include "core/source_row.hpp"

namespace enrichd {

/// "s" or "e" for the kind, then 40 hexadecimal digits: the first 160 bits of a SHA-256 over the lines
///   enrichd request 1
///   <kind>
///   <version>
///   <text hash, 64 hexadecimal digits>
///   <part>
/// each ending in "\n". Equal texts have equal ids, so that they are bought once; the target's own rows can
/// compute the id again if all else is lost. Nothing is to be read out of it.
std::string make_custom_id(kind k, std::string_view version, const text_hash& hash, std::uint32_t part);

} // namespace enrichd
