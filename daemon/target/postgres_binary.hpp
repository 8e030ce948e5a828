// Values in PostgreSQL's binary formats: what the *_recv functions of the server and of pgvector read.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd::target {

inline constexpr std::uint32_t bytea_oid = 17, text_oid = 25, float4_oid = 700, float8_oid = 701;

/// A one-dimensional array whose elements are given in their own binary format (array_recv in arrayfuncs.c).
std::string binary_array(std::uint32_t element_oid, std::span<const std::string_view> elements);

/// pgvector's vector: int16 dimensions, int16 zero, float4 each (vector_recv).
std::string binary_vector(std::span<const float> v);
/// pgvector's halfvec: the same with IEEE 754 binary16 (halfvec_recv).
std::string binary_halfvec(std::span<const float> v);
/// real[] and double precision[].
std::string binary_real_array(std::span<const float> v);
std::string binary_double_array(std::span<const float> v);

/// The nearest binary16, ties to even; what is 65520 and more becomes infinity, as IEEE 754 has it.
std::uint16_t to_half(float f);
inline constexpr float greatest_half = 65504.0F;

/// A big-endian integer of 8 bytes: int8.
std::string binary_int8(std::int64_t n);

} // namespace enrichd::target
