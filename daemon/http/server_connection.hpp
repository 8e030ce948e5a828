// One accepted connection: reading requests with Beast's parser, writing replies by hand. Internal to the
// server.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/http/server.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <optional>

namespace enrichd::http {

/// The parser is fed by put() instead of Beast's read functions: a third of the compile time, and the body
/// goes straight into the handler's buffer.
class server_connection {
public:
    using stream_type = boost::beast::basic_stream<boost::asio::generic::stream_protocol>;
    using socket_type = boost::asio::generic::stream_protocol::socket;

    server_connection(socket_type socket, const server_options& options);

    /// Waits for the next request's head. Absent where there is none: the peer left, was idle too long, or
    /// sent what is no HTTP (it was told so with 400 or 431).
    boost::asio::awaitable<std::optional<server_request>> read_head();

    /// After the reply: reads what is left of the body. False where the connection is of no further use.
    boost::asio::awaitable<bool> end_exchange();

    /// True between requests, while not a byte of the next has come.
    bool idle() const { return idle_; }
    /// The reply in the making is the last one of this connection.
    void close_after_reply() { keep_alive_ = false; }
    void close();

    // What server_request and response_writer do.
    boost::asio::awaitable<result<std::size_t>> read_body(std::span<char> into);
    boost::asio::awaitable<result<void>> send_whole(int status, std::string_view content_type,
                                                    std::string body, field_list fields);
    boost::asio::awaitable<result<void>> begin(int status, std::string_view content_type, field_list fields,
                                               std::optional<std::uint64_t> length);
    boost::asio::awaitable<result<void>> write_body(std::string_view piece);
    boost::asio::awaitable<result<void>> finish();
    bool started() const { return started_; }
    bool finished() const { return finished_; }
    bool peer_gone() const;
    boost::asio::awaitable<void> until_peer_gone();
    void cut();
    void cut_after(std::uint64_t body_bytes) { cut_after_ = body_bytes; }
    void throttle(std::uint64_t bytes_per_second) { bytes_per_second_ = bytes_per_second; }

private:
    using parser_type = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

    boost::asio::awaitable<result<void>> receive(std::chrono::milliseconds deadline);
    boost::asio::awaitable<result<void>> send(std::string_view bytes);
    boost::asio::awaitable<result<void>> send_paced(std::string_view bytes, std::size_t body_bytes);
    std::string make_head(int status, std::string_view content_type, const field_list& fields,
                          std::optional<std::uint64_t> length);
    boost::asio::awaitable<void> refuse(int status, std::string why);
    std::optional<server_request> make_request();
    void begin_exchange();

    stream_type stream_;
    const server_options& options_;
    boost::beast::flat_buffer buffer_;
    std::optional<parser_type> parser_;

    // Of the exchange in hand.
    bool idle_ = true;
    bool keep_alive_ = true;        ///< by the request, and unless somebody said otherwise
    bool expects_continue_ = false; ///< the peer waits for 100 before it sends the body
    bool head_only_ = false;        ///< HEAD
    bool chunked_ = false;          ///< the reply's body
    bool started_ = false;
    bool finished_ = false;
    std::optional<std::uint64_t> cut_after_;
    std::uint64_t bytes_per_second_ = 0; ///< 0: as fast as it goes
};

} // namespace enrichd::http
