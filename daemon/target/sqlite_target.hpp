// The target in a SQLite file: the embedded default.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/config.hpp"
#include "daemon/target/sqlite_connection.hpp"
#include "daemon/target/target.hpp"
#include "daemon/target/turnstile.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace enrichd::target {

/// Everything that touches the file runs on the pool. The file is opened when it is first needed, and again
/// after a failure.
class sqlite_target final : public database {
public:
    /// `busy`: how long another writer of the file is waited for.
    sqlite_target(boost::asio::any_io_executor pool, std::string path, const config& c,
                  std::chrono::milliseconds busy = std::chrono::seconds(5));

    std::string identity() const override;
    awaitable<result<column_report>> inspect(enrichd::kind k) override;
    awaitable<result<std::unique_ptr<row_stream>>> read(selection s) override;
    awaitable<result<merge_reply>> merge(merge_slice slice) override;
    awaitable<result<std::vector<migration_step>>> plan_migration() override;
    awaitable<result<std::vector<migration_step>>> migrate() override;

private:
    struct shared;
    template <class T>
    using work_function = std::function<result<T>(sqlite::database&, const sqlite_settings&)>;
    template <class T>
    awaitable<result<T>> call(std::string_view doing, work_function<T> work);

    boost::asio::any_io_executor pool_;
    std::shared_ptr<shared> shared_;
    turnstile one_at_a_time_;
};

} // namespace enrichd::target
