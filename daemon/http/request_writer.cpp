// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/exchange.hpp"

#include "core/overloaded.hpp"
#include "daemon/on_pool.hpp"
#include "daemon/with_timeout.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace enrichd::http {

namespace {

constexpr std::size_t write_buffer_bytes = 64 * 1024;

bool is_token(std::string_view s) {
    constexpr std::string_view others = "!#$%&'*+-.^_`|~"; // RFC 9110, 5.6.2
    return !s.empty() && std::all_of(s.begin(), s.end(), [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               others.find(c) != others.npos;
    });
}

bool stays_in_line(std::string_view s, char first_allowed) {
    return std::all_of(s.begin(), s.end(), [&](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= static_cast<unsigned char>(first_allowed) && byte != 0x7f;
    });
}

std::uint64_t length(const std::vector<body_part>& body) {
    std::uint64_t sum = 0;
    for (const auto& part : body)
        sum += std::visit(overloaded{[](const std::string& s) { return std::uint64_t{s.size()}; },
                                     [](const file_part& f) { return f.bytes; }},
                          part);
    return sum;
}

class open_file {
public:
    explicit open_file(const std::filesystem::path& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
    ~open_file() {
        if (fd_ >= 0) ::close(fd_);
    }
    open_file(const open_file&) = delete;
    open_file& operator=(const open_file&) = delete;

    result<std::size_t> read(std::span<char> into) const {
        ssize_t n = -1;
        do
            n = fd_ < 0 ? -1 : ::read(fd_, into.data(), into.size());
        while (n < 0 && errno == EINTR);
        if (n < 0) return error{errc::io, std::strerror(errno)};
        return static_cast<std::size_t>(n);
    }

private:
    int fd_;
};

// Gathers what comes in small pieces (head, multipart borders) and large ones (files) into full buffers.
class piece_writer {
public:
    piece_writer(byte_stream& stream, const call_clock& time, exchange_report& report)
        : stream_(stream), time_(time), report_(report), buffer_(write_buffer_bytes) {}

    awaitable<result<void>> append(std::string_view text) {
        while (!text.empty()) {
            const auto n = std::min(text.size(), room().size());
            std::memcpy(room().data(), text.data(), n);
            text.remove_prefix(n);
            if (auto done = co_await added(n); !done) co_return done;
        }
        co_return result<void>{};
    }

    awaitable<result<void>> append(const file_part& file, boost::asio::any_io_executor pool) {
        const open_file source(file.path);
        for (std::uint64_t left = file.bytes; left > 0;) {
            const auto into =
                room().first(static_cast<std::size_t>(std::min<std::uint64_t>(left, room().size())));
            auto n = result<std::size_t>(std::size_t{0});
            if (pool)
                n = co_await on_pool(pool, [&] { return source.read(into); });
            else
                n = source.read(into);
            report_.file_failed = !n || *n == 0;
            if (!n) co_return error{errc::io, fmt::format("{}: {}", file.path.string(), n.error().detail)};
            if (*n == 0)
                co_return error{errc::io,
                                fmt::format("{}: ends {} bytes early; it must not change while it is sent",
                                            file.path.string(), left)};
            left -= *n;
            if (auto done = co_await added(*n); !done) co_return done;
        }
        co_return result<void>{};
    }

    awaitable<result<void>> flush() {
        if (used_ == 0) co_return result<void>{};
        const auto full = std::span<const char>(buffer_).first(std::exchange(used_, 0));
        co_return co_await with_timeout(time_.left(time_.limits().write), "sending the request",
                                        stream_.write(full));
    }

private:
    std::span<char> room() { return std::span<char>(buffer_).subspan(used_); }

    awaitable<result<void>> added(std::size_t n) {
        used_ += n;
        if (used_ < buffer_.size()) co_return result<void>{};
        co_return co_await flush();
    }

    byte_stream& stream_;
    const call_clock& time_;
    exchange_report& report_;
    std::vector<char> buffer_;
    std::size_t used_ = 0;
};

// No conditional expression here: g++ 12 destroys the result of `a ? co_await b : co_await c` twice.
awaitable<result<void>> append_part(piece_writer& out, const body_part& part,
                                    boost::asio::any_io_executor pool) {
    if (const auto* text = std::get_if<std::string>(&part)) co_return co_await out.append(*text);
    co_return co_await out.append(std::get<file_part>(part), pool);
}

} // namespace

call_clock::call_clock(const deadlines& limits) : limits_(limits) {
    if (limits.total) end_ = clock::now() + *limits.total;
}

deadlines::limit call_clock::left(deadlines::limit step) const {
    if (!end_) return step;
    const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(*end_ - clock::now());
    return step ? std::min(*step, rest) : rest;
}

result<std::string> make_head(const request& r, const endpoint& to) {
    if (!is_token(r.method)) return error{errc::invalid_input, "the request's method is no word"};
    const auto target = to.base_path + r.target;
    if (target.empty() || target.front() != '/' || !stays_in_line(target, '!'))
        return error{errc::invalid_input, "the request's target is no path"};
    auto head = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", r.method, target, to.authority);
    for (const auto& [name, value] : r.headers) {
        if (!is_token(name) || !stays_in_line(value, ' ')) // the value may be a key: not told
            return error{errc::invalid_input,
                         fmt::format("the value of the header '{}' holds a line break or "
                                     "another control character",
                                     is_token(name) ? name : "?")};
        head += fmt::format("{}: {}\r\n", name, value);
    }
    if (!r.body.empty() || r.method == "POST" || r.method == "PUT" || r.method == "PATCH")
        head += fmt::format("Content-Length: {}\r\n", length(r.body));
    return head + "\r\n";
}

awaitable<result<void>> write_request(byte_stream& stream, std::string head,
                                      const std::vector<body_part>& body, const call_clock& time,
                                      boost::asio::any_io_executor pool, exchange_report& report) {
    piece_writer out(stream, time, report);
    if (auto done = co_await out.append(head); !done) co_return done;
    for (const auto& part : body) {
        auto done = co_await append_part(out, part, pool);
        if (!done) co_return done;
    }
    co_return co_await out.flush();
}

} // namespace enrichd::http
