// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/postgres_recheck.hpp"

#include <unordered_map>

#include "core/batch_request.hpp"
#include "daemon/target/postgres_binary.hpp"
#include "daemon/target/postgres_sql.hpp"

namespace enrichd::target {

namespace {

using namespace std::chrono_literals;

constexpr auto recheck_trip_limit = 3min; ///< as a merge's

constexpr const char* recheck_settings_sql =
    "SELECT set_config('TimeZone', 'UTC', true), set_config('statement_timeout', '60s', true)";

std::string_view as_text(const text_hash& h) {
    return {reinterpret_cast<const char*>(h.data()), h.size()};
}

/// The keys and text hashes of the rows that need work, as the parameters of recheck_sql().
std::vector<sql_parameter> parameters_for(const std::vector<source_row>& rows) {
    std::vector<text_hash> hashes;
    for (const auto& row : rows)
        if (needs_work(row.why)) hashes.push_back(hash_text(row.title, row.text.value_or("")));
    std::vector<std::string_view> keys, sent;
    for (const auto& row : rows)
        if (needs_work(row.why)) keys.push_back(row.key);
    for (const auto& hash : hashes)
        sent.push_back(as_text(hash));
    return {binary_array(text_oid, keys), binary_array(bytea_oid, sent)};
}

void correct_row(source_row& row, const sql_rows& now, int at) {
    row.why = parse_need(now.bytes(at, 1)).value();
    if (!needs_work(row.why)) {
        row.title.clear();
        row.text.reset();
    } else if (now.boolean(at, 2)) {
        row.title = now.text(at, 3);
        row.text = now.is_null(at, 4) ? std::nullopt : std::optional(now.text(at, 4));
    }
}

} // namespace

postgres_recheck::postgres_recheck(std::unique_ptr<postgres_connection> c, std::string sql)
    : connection_(std::move(c)), sql_(std::move(sql)) {}

awaitable<result<std::unique_ptr<postgres_recheck>>> postgres_recheck::open(
    boost::asio::any_io_executor pool, std::shared_ptr<const postgres_settings> s, const wanted& want) {
    auto c =
        co_await postgres_connection::connect(std::move(pool), s->url, postgres_connection::use::writing);
    if (!c) co_return c.error();
    const auto reply = co_await (*c)->run(catalogue_steps(*s), recheck_trip_limit);
    if (!reply) co_return reply.error();
    if (reply->failure) co_return to_error("reading " + (*c)->place(), *reply->failure);
    const auto catalogue = read_catalogue(*s, reply->results, 0);
    if (!catalogue) co_return catalogue.error();
    if (auto problem = column_problem(*catalogue, s->target, want.kind, right::read); !problem.empty())
        co_return error{errc::target_blocked, std::move(problem)};
    auto sql = recheck_sql(*catalogue, *s, want);
    if (!sql) co_return sql.error();
    co_return std::unique_ptr<postgres_recheck>(new postgres_recheck(std::move(*c), std::move(*sql)));
}

awaitable<result<void>> postgres_recheck::correct(std::vector<source_row>& rows) {
    std::vector<sql_step> steps = {{"BEGIN READ ONLY", {}}, {recheck_settings_sql, {}}};
    steps.push_back({sql_, parameters_for(rows)});
    steps.push_back({"COMMIT", {}});
    const auto reply = co_await connection_->run(std::move(steps), recheck_trip_limit);
    if (!reply) co_return reply.error();
    if (reply->failure) co_return to_error("reading " + connection_->place(), *reply->failure);
    const auto& now = reply->results[2];
    std::unordered_map<std::string_view, int> at;
    for (int i = 0; i < now.size(); ++i)
        at.emplace(now.bytes(i, 0), i);
    std::erase_if(rows, [&](source_row& row) {
        if (!needs_work(row.why)) return false;
        const auto found = at.find(row.key);
        if (found == at.end()) return true;
        correct_row(row, now, found->second);
        return false;
    });
    co_return result<void>();
}

} // namespace enrichd::target
