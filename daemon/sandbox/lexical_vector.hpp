// Lexical vectors: a stand-in for an embedding model, by feature hashing of words and character n-grams.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd::sandbox {

/// A vector of length one (L2): texts that share words or parts of words are near, whatever they mean. Each
/// distinct content word weighs 1 + ln(its count); it and the character n-grams of "<word>" (as in
/// P. Bojanowski et al., "Enriching Word Vectors with Subword Information", TACL 5, 2017; 3 to 5 characters,
/// 1 to 3 in scripts without spaces) are added at a hashed place with a hashed sign (K. Weinberger et al.,
/// "Feature Hashing for Large Scale Multitask Learning", ICML 2009). Deterministic; never the zero vector.
/// `dimensions` is at least 1.
std::vector<float> lexical_vector(std::string_view text, std::size_t dimensions);

/// Little-endian float32 in Base64 (RFC 4648): what `encoding_format: "base64"` means.
std::string base64_floats(const std::vector<float>& vector);

} // namespace enrichd::sandbox
