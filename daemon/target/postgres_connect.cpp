// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/postgres_connection.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>

#include "daemon/resolve.hpp"
#include "daemon/target/postgres_parts.hpp"
#include "daemon/with_timeout.hpp"

namespace enrichd::target {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;
using pg_parameters = std::vector<std::pair<std::string, std::string>>;

constexpr auto resolve_limit = 10s;
constexpr auto connect_limit = 10s;

bool needs_resolving(const postgres_host& h) {
    if (!h.address.empty() || h.name.empty() || h.name[0] == '/' || h.name[0] == '@') return false;
    boost::system::error_code not_numeric;
    asio::ip::make_address(h.name, not_numeric);
    return not_numeric.failed();
}

error unresolved(const std::string& name, const error& why) {
    if (why.code == errc::cancelled) return why;
    return {errc::target_unavailable, fmt::format("cannot resolve {}: {}", name, why.detail)};
}

/// Each host as often as it has addresses. libpq would resolve names itself, and block the loop meanwhile.
awaitable<result<std::vector<postgres_host>>> resolve_all(std::vector<postgres_host> hosts) {
    std::vector<postgres_host> out;
    std::optional<error> failure;
    for (auto& h : hosts) {
        if (!needs_resolving(h)) {
            out.push_back(std::move(h));
            continue;
        }
        const auto addresses = co_await resolve(h.name, "", resolve_limit);
        if (!addresses)
            failure = unresolved(h.name, addresses.error());
        else
            for (const auto& a : *addresses)
                out.push_back({h.name, a.address().to_string(), h.port});
    }
    if (out.empty() && failure) co_return *failure;
    co_return out;
}

/// What the URL says, and what it leaves open as we want it.
pg_parameters parameters_for(const postgres_url& url, const postgres_host& host,
                             postgres_connection::use what_for) {
    pg_parameters all = url.parameters;
    const auto unless_given = [&](std::string_view word, std::string_view value) {
        if (url.parameter(word).empty()) all.emplace_back(word, value);
    };
    if (!host.name.empty()) all.emplace_back("host", host.name);
    if (!host.address.empty()) all.emplace_back("hostaddr", host.address);
    if (!host.port.empty()) all.emplace_back("port", host.port);
    all.emplace_back("client_encoding", "UTF8");
    unless_given("application_name", "enrichd");
    // A peer that is gone without a word is found within a minute.
    unless_given("keepalives_idle", "30");
    unless_given("keepalives_interval", "10");
    unless_given("keepalives_count", "3");
    unless_given("tcp_user_timeout", "60000");
    if (what_for == postgres_connection::use::writing) unless_given("target_session_attrs", "read-write");
    return all;
}

/// The SQLSTATE in a verbose message ("FATAL:  28P01: ..."), cut out of it, and the message without the
/// source's location: for a connection that fails, libpq has no other way to tell.
sql_failure read_connect_failure(PGconn* c) {
    constexpr std::string_view mark = "FATAL:  ";
    sql_failure f;
    f.message = PQerrorMessage(c);
    if (const auto location = f.message.find("\nLOCATION:"); location != std::string::npos)
        f.message.resize(location);
    if (const auto at = f.message.find(mark);
        at != std::string::npos && f.message.substr(at + 13, 2) == ": ") {
        f.state = f.message.substr(at + mark.size(), 5);
        f.message.erase(at + mark.size(), 7);
    }
    std::ranges::replace(f.message, '\n', ' ');
    while (f.message.ends_with(' '))
        f.message.pop_back();
    return f;
}

awaitable<result<void>> finish_connecting(PGconn* c, std::string place) {
    auto want = PGRES_POLLING_WRITING; // as if PQconnectPoll had said so
    while (want != PGRES_POLLING_OK) {
        {
            // Wrapped anew each time: libpq may close its socket and open another one, even under the same
            // number.
            asio::posix::stream_descriptor socket(co_await asio::this_coro::executor, PQsocket(c));
            boost::system::error_code failure;
            co_await socket.async_wait(want == PGRES_POLLING_READING ? socket.wait_read : socket.wait_write,
                                       asio::redirect_error(asio::use_awaitable, failure));
            socket.release();
            if (failure) co_return error{errc::cancelled, "cancelled"};
        }
        want = PQconnectPoll(c);
        if (want == PGRES_POLLING_FAILED) co_return to_error(place, read_connect_failure(c));
    }
    co_return result<void>();
}

awaitable<result<pg_handle>> connect_one(pg_parameters parameters, std::string place) {
    std::vector<const char*> words, values;
    for (const auto& [word, value] : parameters) {
        words.push_back(word.c_str());
        values.push_back(value.c_str());
    }
    words.push_back(nullptr);
    values.push_back(nullptr);
    pg_handle c(PQconnectStartParams(words.data(), values.data(), 0), PQfinish);
    if (!c || PQstatus(c.get()) == CONNECTION_BAD || PQsocket(c.get()) < 0)
        co_return to_error(place, c ? read_connect_failure(c.get()) : sql_failure{0, "", "out of memory"});
    PQsetErrorVerbosity(c.get(), PQERRORS_VERBOSE);
    auto done =
        co_await with_timeout(connect_limit, "connecting to " + place, finish_connecting(c.get(), place));
    if (!done) co_return done.error();
    PQsetErrorVerbosity(c.get(), PQERRORS_DEFAULT);
    if (PQsetnonblocking(c.get(), 1) != 0) co_return to_error(place, read_connect_failure(c.get()));
    co_return c;
}

} // namespace

awaitable<result<std::unique_ptr<postgres_connection>>> postgres_connection::connect(
    asio::any_io_executor pool, postgres_url url, use what_for) {
    const auto place = url.place();
    const auto hosts = co_await resolve_all(url.hosts);
    if (!hosts) co_return hosts.error();
    error last;
    for (const auto& host : *hosts) {
        auto c = co_await connect_one(parameters_for(url, host, what_for), place);
        if (c) {
            const auto loop = co_await asio::this_coro::executor;
            auto p = std::make_unique<parts>(loop, std::move(pool), std::move(*c));
            co_return std::unique_ptr<postgres_connection>(new postgres_connection(std::move(p), place));
        }
        last = c.error();
        if (last.code == errc::cancelled) break;
        if (last.code == errc::timed_out) last.code = errc::target_unavailable;
    }
    co_return last;
}

} // namespace enrichd::target
