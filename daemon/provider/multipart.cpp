// SPDX-License-Identifier: Apache-2.0
#include "daemon/provider/multipart.hpp"

#include <fmt/format.h>

#include <random>

namespace enrichd::provider {

namespace {

constexpr int kept_seconds = 30 * 24 * 60 * 60;

// As browsers do: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
std::string escaped_name(std::string_view name) {
    std::string out;
    for (const char c : name) {
        switch (c) {
        case '"': out += "%22"; break;
        case '\r': out += "%0D"; break;
        case '\n': out += "%0A"; break;
        default: out += c;
        }
    }
    return out;
}

std::string field(const std::string& boundary, std::string_view name, std::string_view value) {
    return fmt::format("--{}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n", boundary, name,
                       value);
}

} // namespace

multipart make_upload(http::file_part file, const std::string& filename, const std::string& boundary) {
    multipart m;
    m.content_type = "multipart/form-data; boundary=" + boundary;
    m.body.emplace_back(
        field(boundary, "purpose", "batch") +
        fmt::format("--{}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\n"
                    "Content-Type: application/octet-stream\r\n\r\n",
                    boundary, escaped_name(filename)));
    m.body.emplace_back(std::move(file));
    m.body.emplace_back("\r\n" + field(boundary, "expires_after[anchor]", "created_at") +
                        field(boundary, "expires_after[seconds]", std::to_string(kept_seconds)) +
                        fmt::format("--{}--\r\n", boundary));
    return m;
}

std::string random_boundary() {
    std::random_device source;
    std::string boundary = "enrichd-boundary-";
    for (int i = 0; i < 4; ++i)
        boundary += fmt::format("{:08x}", source());
    return boundary;
}

} // namespace enrichd::provider
