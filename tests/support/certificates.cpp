// SPDX-License-Identifier: Apache-2.0
#include "tests/support/certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <stdexcept>

namespace enrichd::test {

namespace {

void must(bool done, const char* what) {
    if (!done) throw std::runtime_error(std::string("making a certificate: ") + what);
}

std::shared_ptr<EVP_PKEY> make_key() {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    must(key != nullptr, "key");
    return {key, EVP_PKEY_free};
}

void add_extension(X509* to, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    must(extension != nullptr, value.c_str());
    X509_add_ext(to, extension, -1);
    X509_EXTENSION_free(extension);
}

std::shared_ptr<X509> make_certificate(const std::string& name, EVP_PKEY* key, long from_days, long to_days) {
    std::shared_ptr<X509> made(X509_new(), X509_free);
    X509_set_version(made.get(), X509_VERSION_3);
    unsigned char serial[8] = {};
    RAND_bytes(serial, sizeof serial);
    serial[0] &= 0x7f;
    BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(made.get()));
    BN_free(number);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), from_days * 86'400);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), to_days * 86'400);
    X509_set_pubkey(made.get(), key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    return made;
}

void write_pem(const std::filesystem::path& to, const std::function<int(FILE*)>& write) {
    FILE* file = std::fopen(to.c_str(), "w");
    must(file != nullptr, to.c_str());
    const bool done = write(file) == 1;
    must(std::fclose(file) == 0 && done, to.c_str());
}

} // namespace

authority::authority(std::filesystem::path folder)
    : folder_(std::move(folder)),
      key_(make_key()),
      certificate_(make_certificate("Test CA", key_.get(), -1, 30)) {
    X509_set_issuer_name(certificate_.get(), X509_get_subject_name(certificate_.get()));
    add_extension(certificate_.get(), certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate_.get(), certificate_.get(), NID_key_usage, "critical,keyCertSign");
    must(X509_sign(certificate_.get(), key_.get(), EVP_sha256()) > 0, "signature");
    write_pem(ca_file(), [&](FILE* f) { return PEM_write_X509(f, certificate_.get()); });
}

authority::~authority() = default;

std::string authority::ca_file() const {
    return (folder_ / "ca.pem").string();
}

tls_identity authority::issue(const std::string& name, const certificate_order& order) {
    auto key = make_key();
    auto made = make_certificate(name, key.get(), order.valid_from_days, order.valid_to_days);
    X509* issuer = order.self_signed ? made.get() : certificate_.get();
    X509_set_issuer_name(made.get(), X509_get_subject_name(issuer));
    add_extension(made.get(), issuer, NID_subject_alt_name, order.subject_alt_name);
    must(X509_sign(made.get(), order.self_signed ? key.get() : key_.get(), EVP_sha256()) > 0, "signature");

    tls_identity files{(folder_ / (name + ".pem")).string(), (folder_ / (name + ".key")).string()};
    write_pem(files.certificate_file, [&](FILE* f) { return PEM_write_X509(f, made.get()); });
    write_pem(files.key_file, [&](FILE* f) {
        return PEM_write_PrivateKey(f, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    return files;
}

} // namespace enrichd::test
