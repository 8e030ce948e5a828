// The vectors of an embeddings reply, checked.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <string>
#include <vector>

namespace enrichd {

/// Reads `data`, the list in the body of an embeddings reply, into `vectors`, by input index: base64 of
/// little-endian float32, or numbers. Returns what is wrong, empty if nothing is: then there are `inputs`
/// vectors of `dimensions` finite numbers each, none of them all zero.
std::string read_vectors(simdjson::dom::array data, std::uint32_t inputs, std::uint32_t dimensions,
                         std::vector<std::vector<float>>& vectors);

} // namespace enrichd
