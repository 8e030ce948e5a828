// One request and its answer over an open connection.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/http/endpoint.hpp"
#include "daemon/http/message.hpp"

#include <boost/asio/any_io_executor.hpp>

namespace enrichd::http {

/// How long the call may still take, and how long each of its steps.
class call_clock {
public:
    using clock = std::chrono::steady_clock;

    explicit call_clock(const deadlines& limits);

    const deadlines& limits() const { return limits_; }
    /// The shorter of this step's limit and what is left of the whole call.
    deadlines::limit left(deadlines::limit step) const;

private:
    deadlines limits_;
    std::optional<clock::time_point> end_;
};

/// What else is known of an exchange, also when it failed.
struct exchange_report {
    bool answer_began = false; ///< at least one byte came back
    bool file_failed = false;  ///< a file of the body could not be read to its end
    bool reusable = false;     ///< the connection may carry another request
};

/// The head of a request. Errors: invalid_input if a part would break out of its line.
result<std::string> make_head(const request& r, const endpoint& to);

/// Sends head and body in pieces of 64 KiB; files are read on `pool`, if there is one.
/// Errors: io, timed_out, cancelled.
awaitable<result<void>> write_request(byte_stream& stream, std::string head,
                                      const std::vector<body_part>& body, const call_clock& time,
                                      boost::asio::any_io_executor pool, exchange_report& report);

/// Reads the answer. Errors: io (cut off, too long, not HTTP), timed_out, cancelled, or what the sink
/// returned.
awaitable<result<response>> read_response(byte_stream& stream, const request& r, const call_clock& time,
                                          exchange_report& report);

} // namespace enrichd::http
