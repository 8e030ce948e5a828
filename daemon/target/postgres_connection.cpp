// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/postgres_connection.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <libpq-fe.h>

#include "daemon/target/postgres_parts.hpp"
#include "daemon/with_timeout.hpp"

namespace enrichd::target {

namespace asio = boost::asio;

namespace {

constexpr int binary = 1;
constexpr std::size_t most_rows = 500; ///< handed out at once, whatever their size

/// libpq's arrays for one statement; valid as long as the step.
struct parameter_arrays {
    explicit parameter_arrays(const sql_step& step) {
        for (const auto& p : step.parameters) {
            values.push_back(p ? p->data() : nullptr);
            lengths.push_back(p ? static_cast<int>(p->size()) : 0);
            formats.push_back(binary);
        }
    }
    int count() const { return static_cast<int>(values.size()); }
    std::vector<const char*> values;
    std::vector<int> lengths;
    std::vector<int> formats;
};

bool send(PGconn* c, const sql_step& step) {
    const parameter_arrays p(step);
    if (step.sql.empty())
        return PQsendQueryPrepared(c, "", p.count(), p.values.data(), p.lengths.data(), p.formats.data(),
                                   binary) == 1;
    return PQsendQueryParams(c, step.sql.c_str(), p.count(), nullptr, p.values.data(), p.lengths.data(),
                             p.formats.data(), binary) == 1;
}

bool is_refusal(ExecStatusType status) {
    return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
}

} // namespace

postgres_connection::postgres_connection(std::unique_ptr<parts> p, std::string place)
    : parts_(std::move(p)), place_(std::move(place)) {}

postgres_connection::~postgres_connection() {
    if (PQtransactionStatus(parts_->conn) != PQTRANS_ACTIVE) return;
    try {
        // PQcancel opens a connection of its own and blocks meanwhile.
        asio::post(parts_->pool, [cancel = PQgetCancel(parts_->conn)] {
            char complaint[256];
            if (cancel) PQcancel(cancel, complaint, sizeof complaint);
            PQfreeCancel(cancel);
        });
    } catch (const std::exception&) {
        // No memory for it: the statement ends by the server's own limit.
    }
}

bool postgres_connection::usable() const {
    return !in_call_ && PQstatus(parts_->conn) == CONNECTION_OK;
}

std::string postgres_connection::role() const {
    return PQuser(parts_->conn);
}

error postgres_connection::lost() const {
    std::string message = PQerrorMessage(parts_->conn);
    while (message.ends_with('\n'))
        message.pop_back();
    return {errc::target_unavailable,
            fmt::format("{}: {}", place_, message.empty() ? "the connection was lost" : message)};
}

awaitable<result<void>> postgres_connection::flush() {
    using namespace asio::experimental::awaitable_operators;
    auto& socket = parts_->socket;
    while (true) {
        const int rest = PQflush(parts_->conn);
        if (rest < 0) co_return lost();
        if (rest == 0) co_return result<void>();
        // Both, for a server that cannot send its replies stops reading ours.
        const auto ready = co_await (socket.async_wait(socket.wait_read, asio::use_awaitable) ||
                                     socket.async_wait(socket.wait_write, asio::use_awaitable));
        if (ready.index() == 0 && PQconsumeInput(parts_->conn) == 0) co_return lost();
    }
}

awaitable<result<pg_result*>> postgres_connection::next_result() {
    while (PQisBusy(parts_->conn) != 0) {
        co_await parts_->socket.async_wait(parts_->socket.wait_read, asio::use_awaitable);
        if (PQconsumeInput(parts_->conn) == 0) co_return lost();
    }
    co_return PQgetResult(parts_->conn);
}

awaitable<result<void>> postgres_connection::send_all(std::vector<sql_step>& steps) {
    for (auto& step : steps) {
        if (!send(parts_->conn, step)) co_return lost();
        step = {}; // libpq has a copy
        if (auto sent = co_await flush(); !sent) co_return sent;
    }
    if (PQpipelineSync(parts_->conn) == 0) co_return lost();
    co_return co_await flush();
}

awaitable<result<pipeline_reply>> postgres_connection::read_replies(std::size_t steps) {
    pipeline_reply reply;
    for (std::size_t step = 0; step <= steps;) {
        const auto next = co_await next_result();
        if (!next) co_return next.error();
        if (!*next) { // between two steps
            ++step;
            if (PQstatus(parts_->conn) != CONNECTION_OK) co_return lost();
            continue;
        }
        sql_rows rows(*next);
        const auto status = PQresultStatus(*next);
        if (status == PGRES_PIPELINE_SYNC) break;
        if (is_refusal(status) && !reply.failure) reply.failure = read_failure(*next, step);
        if (!reply.failure) reply.results.push_back(std::move(rows));
    }
    co_return reply;
}

awaitable<result<pipeline_reply>> postgres_connection::run_pipeline(std::vector<sql_step> steps) {
    const auto count = steps.size();
    if (PQenterPipelineMode(parts_->conn) == 0) co_return lost();
    if (auto sent = co_await send_all(steps); !sent) co_return sent.error();
    auto reply = co_await read_replies(count);
    if (reply && PQexitPipelineMode(parts_->conn) == 0) co_return lost();
    co_return reply;
}

awaitable<result<pipeline_reply>> postgres_connection::run(std::vector<sql_step> steps,
                                                           std::chrono::milliseconds limit) {
    in_call_ = true;
    auto reply = co_await with_timeout(limit, place_, run_pipeline(std::move(steps)));
    in_call_ = reply.has_error();
    co_return reply;
}

awaitable<result<void>> postgres_connection::start(sql_step step) {
    if (!send(parts_->conn, step) || PQsetSingleRowMode(parts_->conn) == 0) co_return lost();
    co_return co_await flush();
}

awaitable<result<void>> postgres_connection::start_rows(sql_step step, std::chrono::milliseconds limit) {
    in_call_ = true; // for good
    co_return co_await with_timeout(limit, place_, start(std::move(step)));
}

awaitable<result<pipeline_reply>> postgres_connection::read_rows(std::size_t bytes) {
    pipeline_reply reply;
    for (std::size_t read = 0; read < bytes && reply.results.size() < most_rows;) {
        if (!reply.results.empty() && PQisBusy(parts_->conn) != 0) break;
        const auto next = co_await next_result();
        if (!next) co_return next.error();
        if (!*next) break;
        sql_rows rows(*next);
        if (is_refusal(PQresultStatus(*next))) {
            reply.failure = read_failure(*next, 0);
            break;
        }
        if (rows.size() == 0) continue; // the end, after the last row
        for (int column = 0; column < PQnfields(*next); ++column)
            read += rows.bytes(0, column).size();
        reply.results.push_back(std::move(rows));
    }
    co_return reply;
}

awaitable<result<pipeline_reply>> postgres_connection::next_rows(std::size_t bytes,
                                                                 std::chrono::milliseconds limit) {
    co_return co_await with_timeout(limit, place_, read_rows(bytes));
}

} // namespace enrichd::target
