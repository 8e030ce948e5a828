// SPDX-License-Identifier: Apache-2.0
#include "core/embedding_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <span>
#include <string_view>

#include "core/base64.hpp"

namespace enrichd {

namespace {

std::string wrong_dimensions(std::size_t got, std::uint32_t expected) {
    return fmt::format("has {} dimensions, {} were expected", got, expected);
}

std::string read_base64(std::string_view text, std::uint32_t dimensions, std::vector<float>& to) {
    const auto size = base64_size(text);
    if (size == std::string_view::npos || size % sizeof(float) != 0) return "is not base64 of 32-bit numbers";
    if (size / sizeof(float) != dimensions) return wrong_dimensions(size / sizeof(float), dimensions);
    to.resize(dimensions);
    const auto bytes = std::as_writable_bytes(std::span(to));
    if (!decode_base64(text, bytes)) return "is not base64 of 32-bit numbers";
    if constexpr (std::endian::native == std::endian::big)
        for (std::size_t i = 0; i < bytes.size(); i += sizeof(float))
            std::ranges::reverse(bytes.subspan(i, sizeof(float)));
    return {};
}

std::string read_numbers(simdjson::dom::array numbers, std::uint32_t dimensions, std::vector<float>& to) {
    to.reserve(dimensions);
    for (const auto element : numbers) {
        double value = 0;
        if (element.get_double().get(value)) return "holds what is not a number";
        to.push_back(static_cast<float>(value));
        if (to.size() > dimensions) return wrong_dimensions(numbers.size(), dimensions);
    }
    return to.size() == dimensions ? std::string{} : wrong_dimensions(to.size(), dimensions);
}

// By the bits, without a branch in the loop: an exponent of all ones is infinity or NaN.
std::string unusable_numbers(const std::vector<float>& vector) {
    std::uint32_t infinite = 0, any = 0;
    for (const float x : vector) {
        const auto bits = std::bit_cast<std::uint32_t>(x) << 1; // the sign does not matter
        infinite |= static_cast<std::uint32_t>(bits >= 0xff00'0000U);
        any |= bits;
    }
    if (infinite) return "holds a number that is not finite";
    return any ? std::string{} : "is zero in all dimensions";
}

std::string read_vector(simdjson::dom::element embedding, std::uint32_t dimensions, std::vector<float>& to) {
    std::string_view text;
    simdjson::dom::array numbers;
    std::string fault;
    if (!embedding.get_string().get(text))
        fault = read_base64(text, dimensions, to);
    else if (!embedding.get_array().get(numbers))
        fault = read_numbers(numbers, dimensions, to);
    else
        fault = "is neither a string nor a list";
    return fault.empty() ? unusable_numbers(to) : fault;
}

} // namespace

std::string read_vectors(simdjson::dom::array data, std::uint32_t inputs, std::uint32_t dimensions,
                         std::vector<std::vector<float>>& vectors) {
    vectors.resize(inputs);
    std::uint64_t count = 0;
    for (const auto entry : data) {
        std::uint64_t index = 0;
        simdjson::dom::element embedding;
        if (entry["index"].get_uint64().get(index)) return "a vector without an index";
        if (index >= inputs) return fmt::format("a vector for input {}, of {} inputs", index, inputs);
        auto& vector = vectors[index];
        if (!vector.empty()) return fmt::format("two vectors for input {}", index);
        if (entry["embedding"].get(embedding)) return fmt::format("no vector for input {}", index);
        if (const auto fault = read_vector(embedding, dimensions, vector); !fault.empty())
            return fmt::format("the vector for input {} {}", index, fault);
        ++count;
    }
    return count == inputs ? std::string{} : fmt::format("{} vectors for {} inputs", count, inputs);
}

} // namespace enrichd
