// One call to a control socket, waited for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <string>
#include <vector>

namespace enrichd::test {

/// Runs a coroutine to its end.
template <class T>
T run_to_end(boost::asio::io_context& io, boost::asio::awaitable<T> op) {
    std::optional<T> out;
    std::exception_ptr thrown;
    boost::asio::co_spawn(io, std::move(op), [&](std::exception_ptr e, T value) {
        thrown = e;
        if (!e) out.emplace(std::move(value));
    });
    io.restart();
    io.run();
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*out);
}

class control_caller {
public:
    explicit control_caller(const std::string& socket) : client_(socket) {}

    result<control::reply> get(route_id route, std::string id = {}, std::string query = {}) {
        return run_to_end(io_, client_.get(route, std::move(id), std::move(query)));
    }
    result<control::reply> post(route_id route, std::string id = {},
                                control::json body = control::json::object()) {
        return run_to_end(io_, client_.post(route, std::move(id), std::move(body)));
    }
    /// The bytes of a download.
    result<control::reply> download(route_id route, std::string id, std::string& bytes) {
        auto take = [&bytes](std::span<const char> piece) { return append(bytes, piece); };
        return run_to_end(io_, client_.download(route, std::move(id), {}, take));
    }
    result<control::reply> stream(route_id route, std::string id, control::line_sink sink) {
        return run_to_end(io_, client_.stream(route, std::move(id), std::move(sink)));
    }

private:
    static boost::asio::awaitable<result<void>> append(std::string& bytes, std::span<const char> piece) {
        bytes.append(piece.data(), piece.size());
        co_return result<void>();
    }

    boost::asio::io_context io_;
    control::client client_;
};

} // namespace enrichd::test
