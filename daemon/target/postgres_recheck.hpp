// Rows that were read from a replica, looked at again where their values will be merged.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/target/postgres_catalogue.hpp"
#include "daemon/target/target.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <string>
#include <vector>

namespace enrichd::target {

/// A replica lags: what the last run merged may look undone there, and a text that was edited may look as it
/// was. Need and text are those of the [database] url, by the merge's own rule, so that what is bought can be
/// written. The replica still carries the load: only rows that need work by its word are asked for.
class postgres_recheck {
public:
    /// Errors: as those of database::read().
    static awaitable<result<std::unique_ptr<postgres_recheck>>> open(
        boost::asio::any_io_executor pool, std::shared_ptr<const postgres_settings> s, const wanted& want);

    /// Corrects the rows that need work; takes away those that are not there any more. One round trip.
    awaitable<result<void>> correct(std::vector<source_row>& rows);

private:
    postgres_recheck(std::unique_ptr<postgres_connection> c, std::string sql);

    std::unique_ptr<postgres_connection> connection_;
    std::string sql_;
};

} // namespace enrichd::target
