// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/exchange.hpp"

#include "daemon/with_timeout.hpp"

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <cstring>

namespace enrichd::http {

namespace beast = boost::beast;

namespace {

constexpr std::size_t body_piece_bytes = 64 * 1024;
constexpr std::uint32_t header_limit = 64 * 1024;
constexpr int interim_answers = 8; // 100 Continue, 103 Early Hints

using parser_type = beast::http::response_parser<beast::http::buffer_body>;

error broken(std::string why) {
    return {errc::io, "the answer " + std::move(why)};
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return beast::iequals({a.data(), a.size()}, {b.data(), b.size()});
}

/// Bytes that have come and are not parsed yet, always in one piece as the parser wants it.
class input {
public:
    explicit input(byte_stream& stream) : stream_(stream), buffer_(header_limit + 1024) {}

    std::span<const char> unread() const {
        return std::span<const char>(buffer_).subspan(begin_, end_ - begin_);
    }
    void consume(std::size_t n) { begin_ += n; }

    /// Waits for more; false at the peer's end.
    awaitable<result<bool>> more(deadlines::limit limit, const char* what) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= std::exchange(begin_, 0);
        if (end_ == buffer_.size()) co_return broken("holds a line that is longer than 64 KiB");
        auto n =
            co_await with_timeout(limit, what, stream_.read_some(std::span<char>(buffer_).subspan(end_)));
        if (!n) co_return n.error();
        end_ += *n;
        co_return *n > 0;
    }

private:
    byte_stream& stream_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

/// Where a body's pieces go: to the sink or into the answer, never more than was agreed.
class body_output {
public:
    body_output(const request& r, response& answer)
        : sink_(r.sink && answer.status / 100 == 2 ? &r.sink : nullptr),
          limit_(sink_ ? r.stream_limit : r.collect_limit),
          answer_(answer) {}

    result<void> check_length(std::uint64_t bytes) const {
        if (bytes > limit_) return broken(fmt::format("has more than the {} bytes allowed", limit_));
        return {};
    }

    awaitable<result<void>> take(std::span<const char> piece) {
        taken_ += piece.size();
        if (auto fits = check_length(taken_); !fits) co_return fits;
        if (sink_) co_return co_await (*sink_)(piece);
        answer_.body.append(piece.data(), piece.size());
        co_return result<void>{};
    }

    std::uint64_t taken() const { return taken_; }

private:
    const body_sink* sink_;
    std::uint64_t limit_;
    response& answer_;
    std::uint64_t taken_ = 0;
};

class reader {
public:
    reader(byte_stream& stream, const request& r, const call_clock& time, exchange_report& report)
        : in_(stream), request_(r), time_(time), report_(report) {}

    awaitable<result<response>> read() {
        if (auto done = co_await read_header(); !done) co_return done.error();
        response answer;
        answer.status = parser_->get().result_int();
        for (const auto& field : parser_->get().base())
            answer.headers.push_back({std::string(field.name_string()), std::string(field.value())});
        if (auto coding = answer.find("Content-Encoding");
            coding && !equal_ignoring_case(*coding, "identity"))
            co_return broken("is compressed, though that was not asked for");
        body_output out(request_, answer);
        if (auto known = parser_->content_length())
            if (auto fits = out.check_length(*known); !fits) co_return fits.error();
        if (request_.sink && request_.check_header && answer.status / 100 == 2)
            if (auto wanted = co_await request_.check_header(answer); !wanted) co_return wanted.error();
        if (auto done = co_await read_body(out); !done) co_return done.error();
        if (!in_.unread().empty())
            co_return broken(
                fmt::format("is followed by {} bytes that belong to nothing", in_.unread().size()));
        report_.reusable = parser_->keep_alive() && !parser_->need_eof();
        co_return answer;
    }

private:
    void new_parser() {
        parser_.emplace();
        parser_->header_limit(header_limit);
        parser_->body_limit(boost::none); // ours counts, with words that say more
        parser_->skip(request_.method == "HEAD");
    }

    // Parses what is there. False: more is needed.
    result<bool> parse() {
        beast::error_code ec;
        const auto bytes = in_.unread();
        in_.consume(parser_->put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec));
        if (ec == beast::http::error::need_more) return false;
        if (ec == beast::http::error::need_buffer || !ec) return true;
        return broken(ec == beast::http::error::header_limit ? "has a header of more than 64 KiB"
                                                             : "is not HTTP: " + ec.message());
    }

    awaitable<result<void>> read_header() {
        std::optional<call_clock::clock::time_point> end;
        if (time_.limits().header) end = call_clock::clock::now() + *time_.limits().header;
        new_parser();
        for (int interim = 0; interim < interim_answers;) {
            auto parsed = in_.unread().empty() ? result<bool>(false) : parse();
            if (!parsed) co_return parsed.error();
            if (*parsed && parser_->is_header_done()) {
                const auto status = parser_->get().result_int();
                if (status < 100) co_return broken(fmt::format("has the status {}, which is none", status));
                if (status / 100 != 1 || status == 101) co_return result<void>{};
                new_parser();
                ++interim;
                continue;
            }
            deadlines::limit left;
            if (end)
                left = std::chrono::duration_cast<std::chrono::milliseconds>(*end - call_clock::clock::now());
            auto more = co_await in_.more(time_.left(left), "waiting for the answer");
            if (!more) co_return more.error();
            if (!*more)
                co_return report_.answer_began
                    ? broken("ends within its header")
                    : error{errc::io, "the server closed the connection without an answer"};
            report_.answer_began = true;
        }
        co_return broken("never comes, only interim ones (1xx)");
    }

    awaitable<result<void>> read_body(body_output& out) {
        std::vector<char> piece(body_piece_bytes);
        const auto began = call_clock::clock::now();
        parser_->eager(true);
        while (!parser_->is_done()) {
            auto& place = parser_->get().body();
            place.data = piece.data();
            place.size = piece.size();
            place.more = true;
            auto parsed = in_.unread().empty() ? result<bool>(false) : parse();
            if (!parsed) co_return parsed.error();
            if (const auto n = piece.size() - place.size; n > 0)
                if (auto done = co_await out.take(std::span<const char>(piece).first(n)); !done)
                    co_return done;
            if (parser_->is_done() || *parsed) continue;

            if (auto fast = check_rate(out.taken(), began); !fast) co_return fast;
            auto more = co_await in_.more(time_.left(time_.limits().idle), "reading the answer");
            if (!more) co_return more.error();
            if (!*more && !ends_here())
                co_return broken(fmt::format("was cut off after {} bytes of its body", out.taken()));
        }
        co_return result<void>{};
    }

    // The peer has ended: is that how this body ends?
    bool ends_here() {
        beast::error_code ec;
        parser_->put_eof(ec);
        return !ec && parser_->is_done();
    }

    result<void> check_rate(std::uint64_t bytes, call_clock::clock::time_point began) const {
        const auto& limits = time_.limits();
        const auto passed = call_clock::clock::now() - began;
        if (limits.min_bytes_per_second == 0 || passed < limits.idle.value_or(std::chrono::seconds(30)))
            return {};
        const auto seconds = std::chrono::duration<double>(passed).count();
        if (static_cast<double>(bytes) >= seconds * static_cast<double>(limits.min_bytes_per_second))
            return {};
        return error{errc::timed_out,
                     fmt::format("reading the answer: {} bytes in {:.0f} s is slower than {} a second", bytes,
                                 seconds, limits.min_bytes_per_second)};
    }

    input in_;
    const request& request_;
    const call_clock& time_;
    exchange_report& report_;
    std::optional<parser_type> parser_; // one for each interim answer, and one for the answer
};

} // namespace

std::optional<std::string_view> response::find(std::string_view name) const {
    const auto found = std::find_if(headers.begin(), headers.end(),
                                    [&](const header& h) { return equal_ignoring_case(h.name, name); });
    if (found == headers.end()) return std::nullopt;
    return found->value;
}

awaitable<result<response>> read_response(byte_stream& stream, const request& r, const call_clock& time,
                                          exchange_report& report) {
    reader one(stream, r, time, report);
    co_return co_await one.read();
}

} // namespace enrichd::http
