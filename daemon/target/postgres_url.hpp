// A PostgreSQL connection URL, taken apart without connecting.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace enrichd::target {

/// One place where a server may be.
struct postgres_host {
    std::string
        name; ///< for certificates and messages; a folder with a slash for a Unix socket; may be empty
    std::string address; ///< numeric; empty if it is to be resolved, or libpq's own defaults are meant
    std::string port;    ///< empty: libpq's default
};

struct postgres_url {
    std::vector<postgres_host> hosts; ///< in the order of trying; never empty
    std::vector<std::pair<std::string, std::string>>
        parameters; ///< libpq's words, without host, hostaddr and port

    std::string parameter(std::string_view name) const; ///< empty if it is not there
    /// "host/database", for messages and identity: no user, no password. A port other than 5432 is shown.
    std::string place() const;
};

/// Errors: invalid_input. The text of the URL is never repeated, since it may hold a password.
result<postgres_url> parse_postgres_url(const std::string& url);

} // namespace enrichd::target
