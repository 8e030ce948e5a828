// What is asked, what is answered, and how long each step may take.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/http/byte_stream.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace enrichd::http {

struct header {
    std::string name;
    std::string value;
};

/// Each step's limit; nothing means none. A stream of progress that may be silent for hours has no idle and
/// no total.
struct deadlines {
    using limit = std::optional<std::chrono::milliseconds>;
    limit connect = std::chrono::seconds(15); ///< resolve, connect, TLS handshake
    limit write = std::chrono::seconds(60);   ///< for one piece of 64 KiB to be taken
    limit header = std::chrono::seconds(120); ///< from the request's end to the end of the answer's header
    limit idle = std::chrono::seconds(60);    ///< between two pieces of the answer's body
    limit total = std::chrono::minutes(10);   ///< for the whole call
    std::uint64_t min_bytes_per_second =
        0; ///< of the answer's body, on average, judged once `idle` has passed
};

/// A file as a part of a body. Exactly `bytes` are read from its beginning.
struct file_part {
    std::filesystem::path path;
    std::uint64_t bytes = 0;
};

/// A body is its parts one after the other; the length is known before it is sent.
using body_part = std::variant<std::string, file_part>;

/// Takes a piece of at most 64 KiB of the answer's body; the next one comes when it has returned.
using body_sink = std::function<awaitable<result<void>>(std::span<const char>)>;

struct response;
/// Asked about a 2xx answer, its body still to come, before the sink gets any of it. An error ends the call.
using header_check = std::function<awaitable<result<void>>(const response&)>;

/// In a coroutine give it a name before it is sent: g++ 12 destroys an aggregate that is written as `{...}`
/// within a co_await expression twice.
struct request {
    std::string method = "GET";
    std::string target = ""; ///< path and query, percent-encoded; the endpoint's base_path goes before it
    std::vector<header> headers = {}; ///< without Host, Content-Length and Connection
    std::vector<body_part> body = {};
    /// If set, the body of a 2xx answer goes here piece by piece; that of any other answer is collected.
    body_sink sink = {};
    std::uint64_t collect_limit = 1 << 20;                                  ///< bytes of a collected body
    std::uint64_t stream_limit = std::numeric_limits<std::uint64_t>::max(); ///< bytes given to the sink
    std::optional<deadlines> limits = {};                                   ///< in place of the client's
    header_check check_header = {};                                         ///< only with a sink
};

struct response {
    unsigned status = 0;
    std::vector<header> headers;
    std::string body;

    /// The first header of that name, in whatever case.
    std::optional<std::string_view> find(std::string_view name) const;
};

} // namespace enrichd::http
