// The inside of a postgres_connection, for the two files that implement it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/target/postgres_connection.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <libpq-fe.h>

#include <memory>
#include <utility>

namespace enrichd::target {

using pg_handle = std::unique_ptr<PGconn, void (*)(PGconn*)>;

struct postgres_connection::parts {
    parts(const boost::asio::any_io_executor& loop, boost::asio::any_io_executor work, pg_handle c)
        : pool(std::move(work)), handle(std::move(c)), conn(handle.get()), socket(loop, PQsocket(conn)) {}
    ~parts() { socket.release(); } // it is libpq's to close
    parts(const parts&) = delete;
    parts& operator=(const parts&) = delete;

    boost::asio::any_io_executor pool;
    pg_handle handle;
    PGconn* conn; ///< the handle's
    boost::asio::posix::stream_descriptor socket;
};

} // namespace enrichd::target
