// The target_world of SQLite: a file of its own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/config.hpp"
#include "core/sha256.hpp"
#include "daemon/target/sqlite_target.hpp"
#include "tests/support/await.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/target_contract.hpp"
#include "tests/support/temp_folder.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <string>

namespace enrichd::tests {

inline constexpr const char* sqlite_schema =
    "CREATE TABLE events (event_id TEXT PRIMARY KEY, authority TEXT, event_hash TEXT, title TEXT, pub_date "
    "TEXT);"
    "CREATE TABLE documents (document_id TEXT PRIMARY KEY, event_id TEXT, clean_text TEXT);";

class sqlite_world final : public target_world {
public:
    explicit sqlite_world(const std::string& schema = sqlite_schema, const config& c = {})
        : sql_(path_), target_(pool_.get_executor(), path_, c, std::chrono::milliseconds(20)) {
        sql_.exec(schema);
    }

    sqlite_world& migrated() {
        const auto steps = await(loop_, target_.migrate());
        INFO((steps ? "" : steps.error().detail));
        REQUIRE(steps.has_value());
        return *this;
    }
    void exec(const std::string& sql) override { sql_.exec(sql); }
    std::string one(const std::string& sql) override {
        sqlite::statement read(sql_, sql);
        auto row = read();
        return row.next() ? row.text(0) : "";
    }
    std::string bytes(const text_hash& h) override { return "x'" + to_hex(h) + "'"; }
    target::database& db() override { return target_; }
    boost::asio::io_context& loop() override { return loop_; }

private:
    test::temp_folder folder_;
    std::string path_ = folder_ / "target.db";
    sqlite::database sql_;
    boost::asio::io_context loop_;
    boost::asio::thread_pool pool_{2};
    target::sqlite_target target_;
};

/// For a world whose one table is `news (id, headline, body, day)`: read by a query, written to columns of
/// other names.
inline config other_table() {
    config c;
    c.source.query =
        "SELECT id AS key, body AS text, headline AS title, day AS date, 'x' AS authority FROM news;  ";
    c.target = {
        .table = "news", .key_column = "id", .summary_column = "short \"text\"", .embedding_column = "vec"};
    return c;
}

} // namespace enrichd::tests
