// Certificates made while a test runs: an authority of its own, and what it signs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/scripted_server.hpp"

#include <openssl/types.h>

#include <filesystem>
#include <memory>
#include <string>

namespace enrichd::test {

struct certificate_order {
    std::string subject_alt_name = "DNS:localhost,IP:127.0.0.1"; ///< as openssl's x509v3_config(5) writes it
    long valid_from_days = -1;                                   ///< from now
    long valid_to_days = 30;
    bool self_signed = false; ///< by itself, not by the authority
};

class authority {
public:
    explicit authority(std::filesystem::path folder);
    ~authority();

    /// The authority's own certificate, PEM.
    std::string ca_file() const;
    /// Makes key and certificate, and writes them into the folder under `name`.
    tls_identity issue(const std::string& name, const certificate_order& order = {});

private:
    std::filesystem::path folder_;
    std::shared_ptr<EVP_PKEY> key_;
    std::shared_ptr<X509> certificate_;
};

} // namespace enrichd::test
