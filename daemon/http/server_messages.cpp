// What a handler sees: server_request and response_writer, over one connection.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/request_target.hpp"
#include "daemon/http/server_connection.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace asio = boost::asio;

namespace enrichd::http {

namespace {

constexpr std::size_t file_piece = 64 * 1024;

std::optional<std::string_view> first_of(const field_list& list, std::string_view name, bool any_case) {
    for (const auto& [key, value] : list)
        if (any_case ? same_field(key, name) : key == name) return value;
    return std::nullopt;
}

class open_file {
public:
    explicit open_file(const std::filesystem::path& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
    ~open_file() {
        if (fd_ >= 0) ::close(fd_);
    }
    open_file(const open_file&) = delete;
    open_file& operator=(const open_file&) = delete;

    explicit operator bool() const { return fd_ >= 0; }
    std::optional<std::uint64_t> regular_size() const {
        struct stat about = {};
        if (::fstat(fd_, &about) != 0 || !S_ISREG(about.st_mode)) return std::nullopt;
        return static_cast<std::uint64_t>(about.st_size);
    }
    bool skip(std::uint64_t bytes) { return ::lseek(fd_, static_cast<off_t>(bytes), SEEK_SET) >= 0; }
    /// 0 at the end and on an error: both end the reply.
    std::size_t read(std::span<char> into) {
        const auto n = ::read(fd_, into.data(), into.size());
        return n > 0 ? static_cast<std::size_t>(n) : 0;
    }

private:
    int fd_;
};

} // namespace

std::optional<std::string_view> server_request::field(std::string_view name) const {
    return first_of(fields, name, true);
}

std::optional<std::string_view> server_request::parameter(std::string_view name) const {
    return first_of(query, name, false);
}

asio::awaitable<result<std::size_t>> server_request::read_body(std::span<char> into) {
    return connection_->read_body(into);
}

asio::awaitable<result<std::string>> server_request::read_text(std::size_t limit) {
    const auto too_long = [&] {
        return error{errc::invalid_input, fmt::format("the body is longer than {} bytes", limit)};
    };
    if (content_length && *content_length > limit) co_return too_long();
    std::string text;
    for (;;) {
        const auto before = text.size();
        text.resize(std::min(limit + 1, before + file_piece));
        const auto n = co_await read_body(std::span(text).subspan(before));
        if (!n) co_return n.error();
        text.resize(before + *n);
        if (*n == 0) co_return text;
        if (text.size() > limit) co_return too_long();
    }
}

asio::awaitable<result<void>> response_writer::reply(int status, std::string_view content_type,
                                                     std::string body, field_list fields) {
    return connection_->send_whole(status, content_type, std::move(body), std::move(fields));
}

asio::awaitable<result<void>> response_writer::begin(int status, std::string_view content_type,
                                                     field_list fields) {
    return connection_->begin(status, content_type, std::move(fields), std::nullopt);
}

asio::awaitable<result<void>> response_writer::write(std::string_view piece) {
    return connection_->write_body(piece);
}

asio::awaitable<result<void>> response_writer::finish() {
    return connection_->finish();
}

asio::awaitable<result<void>> response_writer::send_file(std::filesystem::path path,
                                                         std::string_view content_type, field_list fields,
                                                         std::optional<std::uint64_t> from) {
    open_file file(path);
    if (!file)
        co_return error{errno == ENOENT ? errc::not_found : errc::io,
                        fmt::format("{}: {}", path.native(), std::strerror(errno))};
    const auto size = file.regular_size();
    if (!size) co_return error{errc::io, path.native() + ": is no regular file"};
    const auto first = from.value_or(0);
    if (first > *size || !file.skip(first)) co_return error{errc::io, path.native() + ": has no such part"};
    if (from) fields.emplace_back("Content-Range", fmt::format("bytes {}-{}/{}", first, *size - 1, *size));
    auto begun =
        co_await connection_->begin(from ? 206 : 200, content_type, std::move(fields), *size - first);
    if (!begun) co_return begun;

    std::string piece(file_piece, '\0');
    for (std::uint64_t left = *size - first; left > 0;) {
        const auto n = file.read(std::span(piece).first(std::min<std::uint64_t>(left, piece.size())));
        if (n == 0) {
            cut(); // the promised length cannot be kept: the peer must not take this for the whole
            co_return error{errc::io, path.native() + ": became shorter while it was sent"};
        }
        if (auto sent = co_await connection_->write_body(std::string_view(piece).substr(0, n)); !sent)
            co_return sent;
        left -= n;
    }
    co_return co_await connection_->finish();
}

bool response_writer::started() const {
    return connection_->started();
}
bool response_writer::peer_gone() const {
    return connection_->peer_gone();
}
asio::awaitable<void> response_writer::until_peer_gone() {
    return connection_->until_peer_gone();
}
void response_writer::cut() {
    connection_->cut();
}
void response_writer::cut_after(std::uint64_t body_bytes) {
    connection_->cut_after(body_bytes);
}
void response_writer::throttle(std::uint64_t bytes_per_second) {
    connection_->throttle(bytes_per_second);
}

} // namespace enrichd::http
