// Where a server is: a base URL, or the path of a Unix socket.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <string>
#include <string_view>

namespace enrichd::http {

enum class transport { tls, plain, unix_socket };

struct endpoint {
    transport via = transport::tls;
    std::string host;      ///< name or IP literal without brackets; for unix_socket the path of the socket
    std::string port;      ///< decimal; empty for unix_socket
    std::string authority; ///< what the Host header says, e.g. "api.openai.com", "[::1]:8080"
    std::string base_path; ///< goes before every target, e.g. "/v1"; empty or "/...", never ends in "/"
};

/// Reads "https://api.openai.com/v1" or "http://127.0.0.1:8080/v1". Plain http is for this machine alone
/// (127.0.0.0/8, ::1, localhost); user name, query and fragment have no place in it. Errors: invalid_input,
/// saying what to write instead; the URL itself is not repeated, as it could hold a password.
result<endpoint> parse_base_url(std::string_view url);

/// A server that listens on a Unix socket.
endpoint unix_endpoint(std::string path);

} // namespace enrichd::http
