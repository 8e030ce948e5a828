// SHA-256 (FIPS 180-4), at once or in pieces.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace enrichd {

using sha256_digest = std::array<std::byte, 32>;

/// A digest in the making. Throws fatal_error(internal) if the crypto library has no SHA-256.
class sha256 {
public:
    sha256();
    ~sha256();
    sha256(sha256&&) noexcept;
    sha256& operator=(sha256&&) noexcept;

    sha256& update(std::string_view bytes);
    /// Ends it; the object takes nothing more.
    sha256_digest finish();

    static sha256_digest of(std::string_view bytes);

private:
    struct context;
    std::unique_ptr<context> context_;
};

/// Lower-case hexadecimal digits, two a byte.
std::string to_hex(std::span<const std::byte> bytes);

} // namespace enrichd
