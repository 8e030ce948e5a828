// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/postgres_read.hpp"

#include <fmt/format.h>

#include "daemon/target/postgres_recheck.hpp"
#include "daemon/target/postgres_sql.hpp"

namespace enrichd::target {

namespace {

using namespace std::chrono_literals;

constexpr auto catalogue_limit = 60s;
constexpr auto select_limit = 30min; ///< until the first row: the server reads and sorts everything before it
constexpr auto piece_limit = 5min;
constexpr std::size_t reply_bytes = 1 << 20;

/// Dates without a zone mean UTC. A role's own statement_timeout is not meant for a stream that is paused at
/// will; rows that somebody else keeps locked are said to be, not waited for.
constexpr const char* read_settings_sql =
    "SELECT set_config('TimeZone', 'UTC', true), set_config('statement_timeout', '0', true), "
    "set_config('lock_timeout', '5s', true), set_config('idle_in_transaction_session_timeout', '60s', true)";

source_row read_row(const sql_rows& r) {
    source_row row{.key = r.text(0, 0),
                   .authority = r.text(0, 1),
                   .date_ms = {},
                   .title = r.text(0, 4),
                   .text = {},
                   .why = parse_need(r.bytes(0, 3)).value()};
    if (!r.is_null(0, 2)) row.date_ms = r.integer(0, 2);
    if (!r.is_null(0, 5)) row.text = r.text(0, 5);
    return row;
}

class postgres_stream final : public row_stream {
public:
    postgres_stream(std::unique_ptr<postgres_connection> c, std::unique_ptr<postgres_recheck> recheck)
        : connection_(std::move(c)), recheck_(std::move(recheck)) {}

    awaitable<result<std::vector<source_row>>> next() override {
        while (true) {
            auto rows = co_await read();
            if (!rows || rows->empty() || !recheck_) co_return rows;
            if (const auto corrected = co_await recheck_->correct(*rows); !corrected)
                co_return corrected.error();
            if (!rows->empty()) co_return rows; // else all of them are gone by now
        }
    }

private:
    awaitable<result<std::vector<source_row>>> read() {
        std::vector<source_row> rows;
        if (!connection_) co_return rows;
        auto reply = co_await connection_->next_rows(reply_bytes, first_ ? select_limit : piece_limit);
        if (!reply) co_return reply.error();
        first_ = false;
        if (reply->failure) co_return to_error("reading " + connection_->place(), *reply->failure);
        for (const auto& r : reply->results)
            rows.push_back(read_row(r));
        if (rows.empty()) connection_.reset();
        co_return rows;
    }

    std::unique_ptr<postgres_connection> connection_; ///< gone at the end
    std::unique_ptr<postgres_recheck> recheck_;       ///< where the rows are not the target's own
    bool first_ = true;
};

/// Begins the transaction and makes the statement that selects.
awaitable<result<sql_step>> prepare(postgres_connection& c, const postgres_settings& s,
                                    const selection& what) {
    std::vector<sql_step> steps = {{"BEGIN READ ONLY", {}}, {read_settings_sql, {}}};
    for (auto& step : catalogue_steps(s))
        steps.push_back(std::move(step));
    const auto duplicates = duplicate_step(s);
    if (duplicates) steps.push_back(*duplicates);
    const auto reply = co_await c.run(std::move(steps), duplicates ? select_limit : catalogue_limit);
    if (!reply) co_return reply.error();
    if (reply->failure) co_return to_error("reading " + c.place(), *reply->failure);
    if (duplicates && reply->results.back().size() != 0)
        co_return error{errc::target_blocked,
                        fmt::format("[source] query yields the key {} more than once; it must "
                                    "yield one row a key",
                                    reply->results.back().text(0, 0))};
    const auto catalogue = read_catalogue(s, reply->results, 2);
    if (!catalogue) co_return catalogue.error();
    if (auto problem = column_problem(*catalogue, s.target, what.want.kind, right::read); !problem.empty())
        co_return error{errc::target_blocked,
                        s.source_url ? "[source] url, which is to follow the target: " + problem : problem};
    co_return select_step(*catalogue, s, what);
}

} // namespace

awaitable<result<std::unique_ptr<row_stream>>> read_postgres(boost::asio::any_io_executor pool,
                                                             std::shared_ptr<const postgres_settings> s,
                                                             selection what) {
    std::unique_ptr<postgres_recheck> recheck;
    if (s->source_url) {
        auto opened = co_await postgres_recheck::open(pool, s, what.want);
        if (!opened) co_return opened.error();
        recheck = std::move(*opened);
    }
    auto c = co_await postgres_connection::connect(std::move(pool), s->source_url.value_or(s->url),
                                                   postgres_connection::use::reading);
    if (!c) co_return c.error();
    auto select = co_await prepare(**c, *s, what);
    if (!select) co_return select.error();
    if (auto started = co_await (*c)->start_rows(std::move(*select), catalogue_limit); !started)
        co_return started.error();
    co_return std::make_unique<postgres_stream>(std::move(*c), std::move(recheck));
}

} // namespace enrichd::target
