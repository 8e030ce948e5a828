// The target in a PostgreSQL database.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/config.hpp"
#include "daemon/target/postgres_catalogue.hpp"
#include "daemon/target/postgres_merge.hpp"
#include "daemon/target/target.hpp"
#include "daemon/target/turnstile.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <string>
#include <vector>

namespace enrichd::target {

/// One connection writes and inspects; it is kept, and opened anew when it is lost. Each stream of rows has
/// one of its own, and so has a migration: it makes an index without holding writers up, which may take an
/// hour. The pool only carries what libpq cannot do without blocking: telling a server to stop a statement.
class postgres_target final : public database {
public:
    postgres_target(boost::asio::any_io_executor pool, postgres_settings s);
    ~postgres_target() override;

    std::string identity() const override;
    awaitable<result<column_report>> inspect(enrichd::kind k) override;
    awaitable<result<std::unique_ptr<row_stream>>> read(selection s) override;
    awaitable<result<merge_reply>> merge(merge_slice slice) override;
    awaitable<result<std::vector<migration_step>>> plan_migration() override;
    awaitable<result<std::vector<migration_step>>> migrate() override;

private:
    struct writer;

    boost::asio::any_io_executor pool_;
    std::shared_ptr<const postgres_settings> settings_;
    std::unique_ptr<writer> writer_;
    turnstile one_at_a_time_; ///< of those that use the writer
    turnstile one_migration_;
};

/// Errors: invalid_input, not repeating the URL.
result<postgres_settings> postgres_settings_from(const config& c);

} // namespace enrichd::target
