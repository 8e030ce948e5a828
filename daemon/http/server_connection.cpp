// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/server_connection.hpp"

#include "daemon/http/listen_socket.hpp"
#include "daemon/http/request_target.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <sys/socket.h>

namespace asio = boost::asio;
namespace beast = boost::beast;

namespace enrichd::http {

namespace {

constexpr std::size_t piece_size = 64 * 1024;

error wire_error(const boost::system::error_code& ec) {
    if (ec == beast::error::timeout) return {errc::timed_out, "the peer was silent too long"};
    if (ec == asio::error::operation_aborted) return {errc::cancelled, "the connection was closed"};
    return {errc::io, ec.message()};
}

bool is_header_error(const boost::system::error_code& ec) {
    return ec == beast::http::error::header_limit || ec == beast::http::error::buffer_overflow;
}

} // namespace

server_connection::server_connection(socket_type socket, const server_options& options)
    : stream_(std::move(socket)), options_(options), buffer_(options.header_limit + piece_size) {}

void server_connection::begin_exchange() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(options_.header_limit));
    parser_->body_limit(boost::none); // the handler has its own limit, and streams
    idle_ = buffer_.size() == 0;
    started_ = finished_ = chunked_ = head_only_ = expects_continue_ = false;
    cut_after_.reset();
    bytes_per_second_ = 0;
}

asio::awaitable<result<void>> server_connection::receive(std::chrono::milliseconds deadline) {
    boost::system::error_code ec;
    stream_.expires_after(deadline);
    const auto room = std::min(piece_size, buffer_.max_size() - buffer_.size());
    const auto n =
        co_await stream_.async_read_some(buffer_.prepare(room), redirect_error(asio::use_awaitable, ec));
    stream_.expires_never();
    if (ec) co_return wire_error(ec);
    buffer_.commit(n);
    co_return result<void>();
}

asio::awaitable<std::optional<server_request>> server_connection::read_head() {
    begin_exchange();
    for (bool hungry = buffer_.size() == 0;; hungry = true) {
        if (hungry) {
            auto got = co_await receive(idle_ ? options_.idle_deadline : options_.io_deadline);
            if (!got) co_return std::nullopt;
            idle_ = false;
        }
        boost::system::error_code ec;
        buffer_.consume(parser_->put(buffer_.data(), ec));
        if (!ec && parser_->is_header_done()) break;
        if (ec == beast::http::error::need_more && buffer_.size() < buffer_.max_size()) continue;
        if (!ec) continue; // a start line, and the fields are still to come
        const int status = is_header_error(ec) || buffer_.size() == buffer_.max_size() ? 431 : 400;
        co_await refuse(status, ec.message());
        co_return std::nullopt;
    }
    auto request = make_request();
    if (!request) co_await refuse(400, "the target is no path");
    co_return request;
}

asio::awaitable<void> server_connection::refuse(int status, std::string why) {
    close_after_reply();
    // Built beforehand: g++ 12 destroys temporaries of a co_await's operand twice where ?: is among them.
    std::string text = (status == 431 ? "request header too large: " : "bad request: ") + why + "\n";
    const field_list no_fields;
    (void)co_await send_whole(status, "text/plain", std::move(text), no_fields);
}

std::optional<server_request> server_connection::make_request() {
    const auto& head = parser_->get();
    keep_alive_ = keep_alive_ && head.keep_alive();
    head_only_ = head.method() == beast::http::verb::head;
    expects_continue_ = same_field(std::string_view(head[beast::http::field::expect]), "100-continue");
    auto target = parse_request_target(std::string_view(head.target()));
    if (!target) return std::nullopt;

    server_request request(*this);
    request.method = std::string(head.method_string());
    request.path = std::move(target->path);
    request.query = std::move(target->query);
    for (const auto& field : head)
        request.fields.emplace_back(std::string(field.name_string()), std::string(field.value()));
    if (const auto length = parser_->content_length()) request.content_length = *length;
    request.peer = read_peer(stream_.socket().native_handle());
    return request;
}

asio::awaitable<result<std::size_t>> server_connection::read_body(std::span<char> into) {
    if (parser_->is_done() || into.empty()) co_return std::size_t{0};
    if (std::exchange(expects_continue_, false)) {
        auto told = co_await send("HTTP/1.1 100 Continue\r\n\r\n");
        if (!told) co_return told.error();
    }
    auto& body = parser_->get().body();
    body.data = into.data();
    body.size = into.size();
    body.more = true;
    while (!parser_->is_done() && body.size == into.size()) {
        boost::system::error_code ec = beast::http::error::need_more;
        if (buffer_.size() > 0) buffer_.consume(parser_->put(buffer_.data(), ec));
        if (ec == beast::http::error::need_buffer) break;
        if (ec && ec != beast::http::error::need_more)
            co_return error{errc::io, "bad request body: " + ec.message()};
        if (ec && body.size == into.size()) {
            auto got = co_await receive(options_.io_deadline);
            if (!got) co_return got.error();
        }
    }
    co_return into.size() - body.size;
}

std::string server_connection::make_head(int status, std::string_view content_type, const field_list& fields,
                                         std::optional<std::uint64_t> length) {
    const bool http_1_0 = parser_->is_header_done() && parser_->get().version() < 11;
    chunked_ = !length && !http_1_0;
    if (!length && http_1_0) keep_alive_ = false; // the end of the connection is the end of the body
    const auto reason = beast::http::obsolete_reason(static_cast<beast::http::status>(status));
    std::string head = fmt::format("HTTP/1.1 {} {}\r\n", status, std::string_view(reason));
    if (!content_type.empty()) head += fmt::format("Content-Type: {}\r\n", content_type);
    for (const auto& [name, value] : fields)
        head += fmt::format("{}: {}\r\n", name, value);
    if (length) head += fmt::format("Content-Length: {}\r\n", *length);
    if (chunked_) head += "Transfer-Encoding: chunked\r\n";
    head += keep_alive_ ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
    return head;
}

asio::awaitable<result<void>> server_connection::send_whole(int status, std::string_view content_type,
                                                            std::string body, field_list fields) {
    auto head = make_head(status, content_type, fields, body.size());
    started_ = true;
    finished_ = true;
    // One write for both keeps a small reply in one packet.
    if (!cut_after_ && bytes_per_second_ == 0) co_return co_await send(head_only_ ? head : head += body);
    if (auto sent = co_await send(head); !sent || head_only_) co_return sent;
    co_return co_await send_paced(body, body.size());
}

asio::awaitable<result<void>> server_connection::begin(int status, std::string_view content_type,
                                                       field_list fields,
                                                       std::optional<std::uint64_t> length) {
    started_ = true;
    co_return co_await send(make_head(status, content_type, fields, length));
}

asio::awaitable<result<void>> server_connection::write_body(std::string_view piece) {
    if (piece.empty() || head_only_) co_return result<void>();
    if (!chunked_) co_return co_await send_paced(piece, piece.size());
    co_return co_await send_paced(fmt::format("{:x}\r\n{}\r\n", piece.size(), piece), piece.size());
}

asio::awaitable<result<void>> server_connection::finish() {
    finished_ = true;
    if (!chunked_ || head_only_) co_return result<void>();
    co_return co_await send("0\r\n\r\n");
}

asio::awaitable<result<void>> server_connection::send(std::string_view bytes) {
    boost::system::error_code ec;
    while (!bytes.empty()) { // the deadline is for a piece, so that a long body is not a slow peer
        const auto piece = bytes.substr(0, piece_size);
        stream_.expires_after(options_.io_deadline);
        co_await asio::async_write(stream_, asio::buffer(piece), redirect_error(asio::use_awaitable, ec));
        stream_.expires_never();
        if (ec) {
            keep_alive_ = false;
            co_return wire_error(ec);
        }
        bytes.remove_prefix(piece.size());
    }
    co_return result<void>();
}

// Sends a piece of the body under the faults asked for. `body_bytes` is its length without framing.
asio::awaitable<result<void>> server_connection::send_paced(std::string_view bytes, std::size_t body_bytes) {
    const bool last = cut_after_ && *cut_after_ <= body_bytes;
    if (last) bytes = bytes.substr(0, *cut_after_);
    if (cut_after_) *cut_after_ -= std::min<std::uint64_t>(*cut_after_, body_bytes);
    asio::steady_timer pause(stream_.get_executor());
    while (!bytes.empty()) {
        // Ten steps a second make a slow body flow rather than jump.
        const auto step =
            bytes_per_second_ ? std::clamp<std::size_t>(bytes_per_second_ / 10, 1, piece_size) : bytes.size();
        const auto piece = bytes.substr(0, step);
        if (auto sent = co_await send(piece); !sent) co_return sent;
        bytes.remove_prefix(piece.size());
        if (bytes_per_second_ == 0) continue;
        boost::system::error_code ec;
        pause.expires_after(std::chrono::microseconds(piece.size() * 1'000'000 / bytes_per_second_));
        co_await pause.async_wait(redirect_error(asio::use_awaitable, ec));
        if (ec) co_return wire_error(ec);
    }
    if (last) {
        cut();
        co_return error{errc::io, "cut on purpose"};
    }
    co_return result<void>();
}

asio::awaitable<bool> server_connection::end_exchange() {
    std::string waste(piece_size, '\0');
    // A peer that waits for 100 sends its body only after it; having our reply, it does not.
    if (std::exchange(expects_continue_, false)) co_return false;
    for (std::uint64_t dropped = 0; !parser_->is_done();) {
        const auto n = co_await read_body(waste);
        if (!n) co_return false;
        dropped += *n;
        if (dropped > options_.drain_limit) co_return false;
    }
    co_return keep_alive_&& stream_.socket().is_open();
}

bool server_connection::peer_gone() const {
    auto& socket = const_cast<stream_type&>(stream_).socket();
    if (!socket.is_open()) return true;
    char byte = 0;
    const auto n = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

asio::awaitable<void> server_connection::until_peer_gone() {
    boost::system::error_code ec;
    while (!ec && !peer_gone()) {
        co_await stream_.socket().async_wait(socket_type::wait_read, redirect_error(asio::use_awaitable, ec));
        if (ec || peer_gone()) break;
        // The next request is waiting there already: readiness says nothing now, so look again now and then.
        asio::steady_timer pause(stream_.get_executor(), std::chrono::seconds(1));
        co_await pause.async_wait(redirect_error(asio::use_awaitable, ec));
    }
}

void server_connection::cut() {
    keep_alive_ = false;
    auto& socket = stream_.socket();
    if (!socket.is_open()) return;
    // Linger with time zero turns close() into a reset.
    const linger now = {1, 0};
    ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
}

void server_connection::close() {
    boost::system::error_code ignored;
    stream_.socket().close(ignored);
}

} // namespace enrichd::http
