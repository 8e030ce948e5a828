// The target_world of PostgreSQL: a database of its own on the tests' server.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/config.hpp"
#include "daemon/target/postgres_target.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/target_contract.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <optional>
#include <string>

namespace enrichd::tests {

inline constexpr const char* original_schema = "CREATE TABLE events (event_id text PRIMARY KEY, authority "
                                               "text, event_hash text, title text, pub_date date, "
                                               "embedding vector(3));"
                                               "CREATE TABLE documents (document_id text PRIMARY KEY, "
                                               "event_id text REFERENCES events, clean_text text);";

class postgres_world final : public target_world {
public:
    explicit postgres_world(const std::string& schema = original_schema, const config& c = {},
                            std::string_view user = "postgres");

    postgres_world& migrated();
    void exec(const std::string& sql) override { sql_->exec(sql); }
    std::string one(const std::string& sql) override { return sql_->exec(sql); }
    std::string bytes(const text_hash& h) override;
    target::database& db() override { return *target_; }
    boost::asio::io_context& loop() override { return loop_; }
    void reconnect(); ///< the tests' own connection, after a restart of the server
    std::string url(std::string_view user = "postgres") const { return server_.url(database_, user); }

private:
    postgres_server& server_ = postgres_server::shared();
    std::string database_ = server_.create_database();
    std::optional<postgres_client> sql_;
    boost::asio::io_context loop_;
    boost::asio::thread_pool pool_{1};
    std::unique_ptr<target::postgres_target> target_;
};

} // namespace enrichd::tests
