// Base64 (RFC 4648 section 4), strictly.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace enrichd {

/// The number of bytes that `text` stands for, or npos where its length cannot be base64. Padding is
/// required.
std::size_t base64_size(std::string_view text);

/// Decodes into `bytes`, which has exactly base64_size(text) bytes. False if a character is outside the
/// alphabet; then the content of `bytes` is unspecified. Bits that the padding leaves over are ignored.
bool decode_base64(std::string_view text, std::span<std::byte> bytes);

std::string encode_base64(std::span<const std::byte> bytes);

} // namespace enrichd
