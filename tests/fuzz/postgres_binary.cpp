// Values in PostgreSQL's binary formats, read back by the rules of its manual.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/postgres_binary.hpp"

#include <bit>
#include <cmath>
#include <vector>

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;
using namespace enrichd::target;

namespace {

/// Big-endian integers off the front; zero, and `short_` set, where there are not enough bytes.
class unpacker {
public:
    explicit unpacker(std::string_view bytes) : rest_(bytes) {}

    template <class Unsigned>
    Unsigned take() {
        Unsigned n = 0;
        for (std::size_t i = 0; i < sizeof n; ++i)
            n = static_cast<Unsigned>(static_cast<std::uint64_t>(n) << 8 | take_bytes(1)[0]);
        return n;
    }
    std::basic_string_view<unsigned char> take_bytes(std::size_t n) {
        fuzz::require(rest_.size() >= n, "a value has as many bytes as it says");
        const auto* begin = reinterpret_cast<const unsigned char*>(rest_.data());
        rest_.remove_prefix(n);
        return {begin, n};
    }
    void finish() const { fuzz::require(rest_.empty(), "and no more"); }

private:
    std::string_view rest_;
};

// What IEEE 754 says, by arithmetic instead of by bits: the nearest, ties to even.
std::uint16_t half_by_arithmetic(float f) {
    const auto sign = static_cast<std::uint16_t>(std::signbit(f) ? 0x8000 : 0);
    if (std::isnan(f)) return static_cast<std::uint16_t>(sign | 0x7E00);
    const double x = std::fabs(static_cast<double>(f));
    if (x >= 65520) return static_cast<std::uint16_t>(sign | 0x7C00);
    if (x < std::ldexp(1, -14)) // subnormal: a multiple of 2^-24
        return static_cast<std::uint16_t>(sign | static_cast<unsigned>(std::nearbyint(std::ldexp(x, 24))));
    const int exponent = std::ilogb(x);
    // A mantissa that is rounded up to 2048 carries into the exponent, as it should.
    const auto mantissa = static_cast<unsigned>(std::nearbyint(std::ldexp(x, 10 - exponent)));
    return static_cast<std::uint16_t>(sign |
                                      ((static_cast<unsigned>(exponent + 15) << 10) + mantissa - 1024));
}

void check_array_head(unpacker& in, std::uint32_t oid, std::size_t count) {
    fuzz::require(in.take<std::uint32_t>() == (count ? 1U : 0U), "dimensions");
    fuzz::require(in.take<std::uint32_t>() == 0, "no NULLs");
    fuzz::require(in.take<std::uint32_t>() == oid, "the element's type");
    if (count == 0) return;
    fuzz::require(in.take<std::uint32_t>() == count && in.take<std::uint32_t>() == 1,
                  "length and lower bound");
}

void check_vectors(const std::vector<float>& v) {
    const auto vector = binary_vector(v), half = binary_halfvec(v), reals = binary_real_array(v),
               doubles = binary_double_array(v);
    unpacker in_vector(vector), in_half(half), in_reals(reals), in_doubles(doubles);
    for (auto* in : {&in_vector, &in_half})
        fuzz::require(in->take<std::uint16_t>() == v.size() && in->take<std::uint16_t>() == 0,
                      "pgvector's head");
    check_array_head(in_reals, float4_oid, v.size());
    check_array_head(in_doubles, float8_oid, v.size());
    for (const float f : v) {
        const auto bits = std::bit_cast<std::uint32_t>(f);
        fuzz::require(in_vector.take<std::uint32_t>() == bits, "float4 in a vector");
        fuzz::require(in_reals.take<std::uint32_t>() == 4 && in_reals.take<std::uint32_t>() == bits,
                      "float4");
        fuzz::require(in_half.take<std::uint16_t>() == half_by_arithmetic(f), "the nearest binary16");
        fuzz::require(in_doubles.take<std::uint32_t>() == 8, "float8");
        const auto wide = std::bit_cast<double>(in_doubles.take<std::uint64_t>());
        fuzz::require(std::isnan(f) ? std::isnan(wide) : wide == static_cast<double>(f), "the same number");
    }
    for (auto* in : {&in_vector, &in_half, &in_reals, &in_doubles})
        in->finish();
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto rest = fuzz::text_of(data, size);
    std::vector<float> numbers;
    for (auto bytes = rest; bytes.size() >= 8;) {
        const auto word = fuzz::take_word(bytes);
        numbers.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(word)));
        numbers.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(word >> 32)));
    }
    if (numbers.size() > 16'000) numbers.resize(16'000); // pgvector's limit
    check_vectors(numbers);

    std::vector<std::string_view> texts;
    while (!rest.empty()) {
        texts.push_back(rest.substr(0, rest.find('\n')));
        rest.remove_prefix(std::min(rest.size(), texts.back().size() + 1));
    }
    const auto array = binary_array(text_oid, texts);
    unpacker in(array);
    check_array_head(in, text_oid, texts.size());
    for (const auto& text : texts) {
        fuzz::require(in.take<std::uint32_t>() == text.size(), "an element's length");
        const auto bytes = in.take_bytes(text.size());
        fuzz::require(std::equal(bytes.begin(), bytes.end(), text.begin(), text.end(),
                                 [](unsigned char a, char b) { return a == static_cast<unsigned char>(b); }),
                      "an element's bytes");
    }
    in.finish();
    return 0;
}
