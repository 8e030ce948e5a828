// Base64: what is decoded is encoded to the same, but for the bits that padding leaves over.
// SPDX-License-Identifier: Apache-2.0
#include "core/base64.hpp"

#include <span>
#include <vector>

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    const auto bytes = std::as_bytes(std::span(data, size));
    const auto encoded = encode_base64(bytes);
    std::vector<std::byte> back(base64_size(encoded));
    fuzz::require(back.size() == size && decode_base64(encoded, back), "what is encoded can be decoded");
    fuzz::require(std::equal(back.begin(), back.end(), bytes.begin(), bytes.end()), "to the same bytes");

    const auto length = base64_size(text);
    if (length == std::string_view::npos) return 0;
    fuzz::require(length <= size, "decoding does not grow");
    std::vector<std::byte> decoded(length);
    if (!decode_base64(text, decoded)) return 0;
    const auto again = encode_base64(decoded);
    fuzz::require(again.size() == size, "encoding again has the same length");
    const auto whole = size - (length % 3 ? 4 : 0); // the last group may hold spare bits
    fuzz::require(again.substr(0, whole) == text.substr(0, whole), "and the same characters");
    return 0;
}
