// Rows of a PostgreSQL target, in order, as one stream.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/target/postgres_catalogue.hpp"
#include "daemon/target/target.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>

namespace enrichd::target {

/// Selects on a connection of its own, in one read-only transaction that lasts as long as the stream. The
/// server's work pauses while nobody asks for the next rows. Where the source has a URL of its own, each
/// piece of rows is corrected by what the target's server says of them.
awaitable<result<std::unique_ptr<row_stream>>> read_postgres(boost::asio::any_io_executor pool,
                                                             std::shared_ptr<const postgres_settings> s,
                                                             selection what);

} // namespace enrichd::target
