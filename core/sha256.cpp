// SPDX-License-Identifier: Apache-2.0
#include "core/sha256.hpp"

#include <openssl/evp.h>

#include <cassert>

#include "core/error.hpp"

namespace enrichd {

namespace {

void require(int ok) {
    if (ok != 1) throw fatal_error(errc::internal, "libcrypto: SHA-256 is not available");
}

} // namespace

struct sha256::context {
    EVP_MD_CTX* md = EVP_MD_CTX_new();

    context() = default;
    context(const context&) = delete;
    context& operator=(const context&) = delete;
    ~context() { EVP_MD_CTX_free(md); }
};

sha256::sha256() : context_(std::make_unique<context>()) {
    require(context_->md && EVP_DigestInit_ex(context_->md, EVP_sha256(), nullptr));
}

sha256::~sha256() = default;
sha256::sha256(sha256&&) noexcept = default;
sha256& sha256::operator=(sha256&&) noexcept = default;

sha256& sha256::update(std::string_view bytes) {
    assert(context_);
    require(EVP_DigestUpdate(context_->md, bytes.data(), bytes.size()));
    return *this;
}

sha256_digest sha256::finish() {
    assert(context_);
    sha256_digest digest;
    unsigned length = 0;
    require(EVP_DigestFinal_ex(context_->md, reinterpret_cast<unsigned char*>(digest.data()), &length));
    assert(length == digest.size());
    context_.reset();
    return digest;
}

sha256_digest sha256::of(std::string_view bytes) {
    return sha256{}.update(bytes).finish();
}

std::string to_hex(std::span<const std::byte> bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(2 * bytes.size());
    for (const auto b : bytes) {
        text.push_back(digits[std::to_integer<unsigned>(b) >> 4]);
        text.push_back(digits[std::to_integer<unsigned>(b) & 15]);
    }
    return text;
}

} // namespace enrichd
