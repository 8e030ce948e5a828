// The inside of a postgres_connection, for the two files that implement it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/target/postgres_connection.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <libpq-fe.h>

#include <utility>

namespace enrichd::target {

struct postgres_connection::parts {
    parts(const boost::asio::any_io_executor& loop, boost::asio::any_io_executor work, PGconn* c)
        : pool(std::move(work)), conn(c), socket(loop, PQsocket(c)) {}
    ~parts() {
        socket.release(); // it is libpq's to close
        PQfinish(conn);
    }
    parts(const parts&) = delete;
    parts& operator=(const parts&) = delete;

    boost::asio::any_io_executor pool;
    PGconn* conn;
    boost::asio::posix::stream_descriptor socket;
};

} // namespace enrichd::target
