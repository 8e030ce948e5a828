// A small HTTP/1.1 server on TCP or a Unix socket; Beast stays behind this header.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace enrichd::http {

class server_connection;

/// Who is at the other end of a Unix socket, as the kernel knows it (SO_PEERCRED, SO_PEERGROUPS; see
/// unix(7)).
struct peer_credentials {
    uid_t uid = 0;
    gid_t gid = 0;
    pid_t pid = 0;
    std::vector<gid_t> groups; ///< supplementary groups
};

using field_list = std::vector<std::pair<std::string, std::string>>;

/// One request: its head is read, its body not yet. Valid while the handler runs.
class server_request {
public:
    explicit server_request(server_connection& connection) : connection_(&connection) {}

    std::string method; ///< in capitals
    std::string path;   ///< percent-decoded, without the query
    field_list query;   ///< decoded parameters, in order
    field_list fields;  ///< header fields, in order, names as they were sent
    std::optional<std::uint64_t> content_length;
    std::optional<peer_credentials> peer; ///< of a Unix socket

    /// The first field of that name, in any case.
    std::optional<std::string_view> field(std::string_view name) const;
    std::optional<std::string_view> parameter(std::string_view name) const;

    /// Reads the next piece of the body; 0 is its end. Errors: io where the peer went away or sent nonsense,
    /// timed_out where it sent nothing for server_options::io_deadline.
    boost::asio::awaitable<result<std::size_t>> read_body(std::span<char> into);

    /// The rest of the body. Errors: as read_body; invalid_input where it is longer than `limit`.
    boost::asio::awaitable<result<std::string>> read_text(std::size_t limit);

private:
    server_connection* connection_;
};

/// The one reply to a request. Every call returns an error once the peer is gone; there is nothing to be done
/// about it then but to return.
/// `fields` must be a named object in a co_await expression: g++ 12 cannot compile a braced list there
/// ("array used as initializer", https://github.com/Naios/continuable/issues/67).
class response_writer {
public:
    explicit response_writer(server_connection& connection) : connection_(&connection) {}

    /// A whole reply.
    boost::asio::awaitable<result<void>> reply(int status, std::string_view content_type, std::string body,
                                               field_list fields = {});

    /// A reply whose end is not known yet: begin, any number of pieces (each is sent at once), finish.
    boost::asio::awaitable<result<void>> begin(int status, std::string_view content_type,
                                               field_list fields = {});
    boost::asio::awaitable<result<void>> write(std::string_view piece);
    boost::asio::awaitable<result<void>> finish();

    /// A reply with a file's bytes, read and sent 64 KiB at a time. Errors: not_found or io before anything
    /// was sent, so that another reply may be given; a file that gets shorter meanwhile breaks the
    /// connection. `from`: only what follows that many bytes, as a part (206, RFC 9110, 15.3.7).
    boost::asio::awaitable<result<void>> send_file(std::filesystem::path file, std::string_view content_type,
                                                   field_list fields = {},
                                                   std::optional<std::uint64_t> from = std::nullopt);

    /// True once a head was sent.
    bool started() const;

    /// Whether the peer has closed its side. A client that closes only its sending half counts as gone.
    bool peer_gone() const;
    /// Returns when it has, or when the connection is closed from this side. For use beside (||) whatever a
    /// long reply waits for; the request's body must have been read.
    boost::asio::awaitable<void> until_peer_gone();

    // Faults on purpose, for a stand-in server.

    /// Breaks the connection now, with a reset; nothing that was not sent is sent.
    void cut();
    /// Breaks the connection after that many bytes of the reply's body.
    void cut_after(std::uint64_t body_bytes);
    /// Sends the body no faster than this.
    void throttle(std::uint64_t bytes_per_second);

private:
    server_connection* connection_;
};

/// Answers one request. A handler that returns without a reply, or throws, gives a 500 (a cut connection if
/// the head was sent already).
using request_handler = std::function<boost::asio::awaitable<void>(server_request&, response_writer&)>;

struct server_options {
    std::size_t header_limit = 64 * 1024;
    std::size_t max_connections = 256;               ///< further ones wait in the kernel's queue
    std::chrono::milliseconds idle_deadline{75'000}; ///< between two requests of one connection
    std::chrono::milliseconds io_deadline{30'000};   ///< for each single read or write of a request
    /// Of a body that the handler did not read, this much is read and dropped, so that the peer gets the
    /// reply; beyond it the connection is closed.
    std::uint64_t drain_limit = 1024 * 1024;
};

/// Runs on one executor; every call belongs to its thread.
class server {
public:
    server(boost::asio::any_io_executor executor, server_options options, request_handler handler);
    ~server();
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    /// Listens on a numeric address; port 0 takes a free one. Returns the port. Errors: invalid_input, io.
    result<std::uint16_t> listen_tcp(const std::string& address, std::uint16_t port);

    /// Listens on a Unix socket of that mode. A socket file that is there already is replaced if nobody
    /// answers on it, and removed again at the end. Errors: state_conflict where somebody answers, or where
    /// the path is no socket; io.
    result<void> listen_unix(const std::filesystem::path& path, mode_t mode);

    /// Accepts and serves until stop(); returns when the last connection has ended.
    boost::asio::awaitable<void> serve();

    /// Accepts no more, closes what is idle, lets what runs finish. What runs longer than `grace` is cut and
    /// its handler cancelled.
    void stop(std::chrono::milliseconds grace);

    std::size_t connections() const;

private:
    class impl;
    std::shared_ptr<impl> impl_; ///< shared with the connections in flight
};

} // namespace enrichd::http
