// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/postgres_merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "daemon/target/merge_log.hpp"
#include "daemon/target/postgres_binary.hpp"
#include "daemon/target/postgres_sql.hpp"
#include "daemon/target/postgres_write.hpp"

namespace enrichd::target {

namespace {

using namespace std::chrono_literals;

constexpr auto slice_trip_limit = 3min; ///< of one round trip; each of its statements has the server's 60 s

/// Short waits, by SET LOCAL's means, so that a pooler in transaction mode has nothing to forget. The time
/// zone is the one that texts are selected in: a query may put a date into a text. Constraints that are
/// deferred would speak up at COMMIT, too late to say of which row.
constexpr const char* merge_settings_sql =
    "SELECT set_config('statement_timeout', '60s', true), set_config('lock_timeout', '5s', true), "
    "set_config('idle_in_transaction_session_timeout', '60s', true), set_config('TimeZone', 'UTC', true)";

class merge_transaction {
public:
    merge_transaction(postgres_connection& c, const postgres_settings& s, const merge_slice& slice)
        : connection_(c), settings_(s), slice_(slice), rows_(slice.rows.size()) {}

    awaitable<merge_result<merge_reply>> take() {
        if (auto begun = co_await begin(); !begun) co_return begun.error();
        auto replayed = co_await check_rows();
        if (!replayed) co_return replayed.error();
        if (!*replayed) {
            row_writer writer(connection_, catalogue_, settings_.target, slice_, grants_);
            if (auto written = co_await writer.write(to_write_, rows_); !written) co_return written.error();
            if (auto done = co_await commit(); !done) co_return done.error();
        } else if (auto done = co_await roll_back(); !done) {
            co_return done.error();
        }
        co_return merge_reply{std::move(rows_), *replayed};
    }

private:
    awaitable<merge_result<pipeline_reply>> run(std::vector<sql_step> steps) {
        auto reply = co_await connection_.run(std::move(steps), slice_trip_limit);
        if (!reply) co_return merge_failure{reply.error(), ""};
        if (reply->failure)
            co_return merge_failure{to_error("merging into " + connection_.place(), *reply->failure, grants_),
                                    reply->failure->state};
        co_return std::move(*reply);
    }

    awaitable<merge_result<void>> begin() {
        std::vector<sql_step> steps = {
            {"BEGIN", {}}, {merge_settings_sql, {}}, {"SET CONSTRAINTS ALL IMMEDIATE", {}}};
        for (auto& step : catalogue_steps(settings_))
            steps.push_back(std::move(step));
        const auto reply = co_await run(std::move(steps));
        if (!reply) co_return reply.error();
        auto catalogue = read_catalogue(settings_, reply->results, 3);
        if (!catalogue) co_return merge_failure{catalogue.error(), ""};
        catalogue_ = std::move(*catalogue);
        const auto k = slice_.want.kind;
        if (auto problem = column_problem(catalogue_, settings_.target, k, right::write); !problem.empty())
            co_return merge_failure{{errc::target_blocked, std::move(problem)}, ""};
        grants_ = grants_for(catalogue_, settings_.target, k);
        co_return merge_result<void>();
    }

    /// The merge log, the locks and the rows' state in one trip. True if the slice was merged before.
    awaitable<merge_result<bool>> check_rows() {
        const auto state = state_sql(catalogue_, settings_, slice_.want);
        if (!state) co_return merge_failure{state.error(), ""};
        std::vector<std::string_view> names;
        names.reserve(slice_.rows.size());
        for (const auto& row : slice_.rows)
            names.push_back(row.key);
        const auto keys = binary_array(text_oid, names);
        const auto log = fmt::format(
            "SELECT outcomes FROM {} WHERE submission = $1::text AND number = $2::bigint", catalogue_.log);
        std::vector<sql_step> steps = {{log, {slice_.submission, binary_int8(slice_.number)}},
                                       {lock_sql(catalogue_, settings_.target), {keys}},
                                       {*state, {keys}}};
        const auto reply = co_await run(std::move(steps));
        if (!reply) co_return reply.error();
        if (reply->results[0].size() == 0) {
            decide(reply->results[2]);
            co_return false;
        }
        auto rows = unpack_outcomes(reply->results[0].bytes(0, 0), slice_.rows.size());
        if (!rows) co_return merge_failure{rows.error(), ""};
        rows_ = std::move(*rows);
        co_return true;
    }

    /// What becomes of each row, except of those that are to be written.
    void decide(const sql_rows& states) {
        std::unordered_map<std::string_view, int> at;
        for (int i = 0; i < states.size(); ++i)
            at.emplace(states.bytes(i, 0), i);
        std::unordered_map<std::string_view, bool> seen;
        for (std::size_t i = 0; i < slice_.rows.size(); ++i) {
            const auto& row = slice_.rows[i];
            const auto state = at.find(row.key);
            if (!seen.emplace(row.key, true).second)
                rows_[i] = {outcome::skipped, "the slice names this row twice"};
            else if (state == at.end())
                rows_[i] = {outcome::gone, "the row is not there any more"};
            else
                decide_one(i, parse_need(states.bytes(state->second, 1)).value(),
                           states.bytes(state->second, 2));
        }
    }

    void decide_one(std::size_t i, need why, std::string_view current_hash) {
        const auto& hash = slice_.rows[i].hash;
        const std::string_view sent(reinterpret_cast<const char*>(hash.data()), hash.size());
        if (!needs_work(why))
            rows_[i] = {outcome::skipped, fmt::format("needs no work: {}", name(why))};
        else if (sent != current_hash)
            rows_[i] = {outcome::stale, "the text changed meanwhile"};
        else
            to_write_.push_back(i);
    }

    awaitable<merge_result<void>> commit() {
        const auto log =
            fmt::format("INSERT INTO {} (submission, number, outcomes) VALUES ($1::text, $2::bigint, "
                        "$3::text)",
                        catalogue_.log);
        std::vector<sql_step> steps = {
            {log, {slice_.submission, binary_int8(slice_.number), pack_outcomes(rows_)}}, {"COMMIT", {}}};
        const auto reply = co_await run(std::move(steps));
        if (!reply) co_return reply.error();
        co_return merge_result<void>();
    }

    awaitable<merge_result<void>> roll_back() {
        std::vector<sql_step> steps = {{"ROLLBACK", {}}};
        const auto reply = co_await run(std::move(steps));
        if (!reply) co_return reply.error();
        co_return merge_result<void>();
    }

    postgres_connection& connection_;
    const postgres_settings& settings_;
    const merge_slice& slice_;
    postgres_catalogue catalogue_;
    std::string grants_;                ///< what to tell where a right is missing
    std::vector<merged_row> rows_;      ///< in the slice's order
    std::vector<std::size_t> to_write_; ///< places in the slice
};

} // namespace

awaitable<merge_result<merge_reply>> merge_into_postgres(postgres_connection& c, const postgres_settings& s,
                                                         const merge_slice& slice) {
    merge_transaction tx(c, s, slice);
    co_return co_await tx.take();
}

} // namespace enrichd::target
