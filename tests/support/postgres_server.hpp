// A real PostgreSQL server for tests: in a temporary folder, on a Unix socket alone, gone with the object.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/last_will.hpp"

#include <optional>
#include <string>
#include <string_view>

struct pg_conn;

namespace enrichd::tests {

/// Runs as the user postgres where the tests run as root, since the server refuses root. Without fsync: fast,
/// and good for every fault but the machine's own. It ends with the test program, killed or not. Everything
/// throws std::runtime_error with the command and the server's log.
class postgres_server {
public:
    postgres_server(); ///< makes a cluster and starts it; pgvector is in every database
    ~postgres_server();
    postgres_server(const postgres_server&) = delete;
    postgres_server& operator=(const postgres_server&) = delete;

    /// The one of this test program, made when it is first asked for.
    static postgres_server& shared();

    /// "postgresql:///name?host=/tmp/...&user=..."
    std::string url(std::string_view database = "postgres", std::string_view user = "postgres") const;
    /// A new database, empty but for pgvector; returns its name.
    std::string create_database();

    /// Lets a role in with its password alone (SCRAM), where everybody else needs none.
    void require_password(std::string_view role);
    std::string log() const; ///< all that the server wrote so far

    void start();
    void stop(std::string_view mode = "fast"); ///< "smart", "fast", or "immediate", which is a crash

private:
    void pg_ctl(std::string_view arguments) const;

    std::string folder_;
    std::optional<test::last_will> will_;
    bool running_ = false;
    int databases_ = 0;
};

/// A plain blocking connection for tests.
class postgres_client {
public:
    explicit postgres_client(const std::string& url);
    ~postgres_client();
    postgres_client(const postgres_client&) = delete;
    postgres_client& operator=(const postgres_client&) = delete;

    /// Runs one or more statements; the first column of the first row of the last one, "" for NULL or none.
    std::string exec(const std::string& sql);

private:
    pg_conn* conn_;
};

} // namespace enrichd::tests
