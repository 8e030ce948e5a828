// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/postgres_write.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "daemon/target/postgres_binary.hpp"
#include "daemon/target/postgres_sql.hpp"

namespace enrichd::target {

namespace {

using namespace std::chrono_literals;

constexpr auto write_trip_limit = 3min;
constexpr std::size_t batch_rows = 250;
constexpr std::size_t batch_bytes = 1'600'000;
constexpr std::size_t most_dimensions = 16'000; ///< of pgvector's types

std::string_view hash_bytes(const merge_row& row) {
    return {reinterpret_cast<const char*>(row.hash.data()), row.hash.size()};
}

bool is_array(std::optional<vector_type> v) {
    return v == vector_type::real_array || v == vector_type::double_array;
}

std::size_t value_bytes(const merge_row& row) {
    const auto* text = std::get_if<std::string>(&row.value);
    return text ? text->size() : 4 * std::get<std::vector<float>>(row.value).size();
}

/// What pgvector would refuse, beyond value_problem().
std::string pgvector_problem(const merge_row& row, vector_type type) {
    const auto& v = std::get<std::vector<float>>(row.value);
    if (v.size() > most_dimensions) return "the vector has more dimensions than pgvector takes";
    const bool fits = std::ranges::all_of(v, [](float f) { return std::abs(f) <= greatest_half; });
    return type == vector_type::halfvec && !fits ? "the vector holds a value beyond what halfvec takes" : "";
}

} // namespace

row_writer::row_writer(postgres_connection& c, const postgres_catalogue& catalogue,
                       const target_config& target, const merge_slice& slice, std::string grants)
    : connection_(c), slice_(slice), grants_(std::move(grants)) {
    const auto k = slice.want.kind;
    if (k == kind::summaries) {
        element_oid_ = text_oid;
        update_sql_ = update_many_sql(catalogue, target, k, "text");
        return;
    }
    const auto& column = *catalogue.column(target.embedding_column);
    vector_ = vector_type_of(column);
    column_ = fmt::format("{}.{}", catalogue.table, quote_identifier(column.name));
    column_type_ = column.type;
    if (is_array(vector_)) {
        update_sql_ = update_one_sql(catalogue, target, k, column.type);
    } else {
        dimensions_ = column.modifier > 0 ? static_cast<std::uint32_t>(column.modifier) : 0;
        element_oid_ = column.type_oid;
        update_sql_ = update_many_sql(catalogue, target, k, column.type);
    }
}

// The column was altered since the vectors were asked for.
std::string row_writer::column_mismatch() const {
    if (slice_.dimensions == 0 || dimensions_ == 0 || slice_.dimensions == dimensions_) return "";
    return fmt::format(
        "{0} takes vectors of {1} dimensions, and those of this job have {2}: nothing of it is "
        "written there. Make the column {3}({2}) again, or set [target] embedding_column to one that "
        "is; then it merges",
        column_, dimensions_, slice_.dimensions, column_type_);
}

std::vector<std::size_t> row_writer::drop_hopeless(std::vector<std::size_t> places,
                                                   std::vector<merged_row>& out) const {
    std::erase_if(places, [&](std::size_t place) {
        const auto& row = slice_.rows[place];
        auto problem = value_problem(row, dimensions_);
        if (problem.empty() && vector_ && !is_array(vector_)) problem = pgvector_problem(row, *vector_);
        if (problem.empty()) return false;
        out[place] = {outcome::invalid, std::move(problem)};
        return true;
    });
    return places;
}

std::vector<row_writer::batch> row_writer::cut(batch places) const {
    std::vector<batch> batches;
    while (!places.empty()) {
        std::size_t count = 0;
        for (std::size_t bytes = 0; count < std::min(places.size(), batch_rows) && bytes < batch_bytes;
             ++count)
            bytes += value_bytes(slice_.rows[places[count]]);
        batches.push_back(places.first(count));
        places = places.subspan(count);
    }
    return batches;
}

std::string row_writer::encode(const merge_row& row) const {
    if (!vector_) return std::get<std::string>(row.value);
    const auto& v = std::get<std::vector<float>>(row.value);
    switch (*vector_) {
    case vector_type::vector: return binary_vector(v);
    case vector_type::halfvec: return binary_halfvec(v);
    case vector_type::real_array: return binary_real_array(v);
    case vector_type::double_array: return binary_double_array(v);
    }
    return "";
}

void row_writer::add_steps(batch rows, std::vector<sql_step>& steps) const {
    const auto& want = slice_.want;
    if (is_array(vector_)) {
        for (const auto place : rows) {
            const auto& row = slice_.rows[place];
            // Parsed once: the same statement again, with other parameters.
            steps.push_back({place == rows.front() ? update_sql_ : "",
                             {row.key, encode(row), std::string(hash_bytes(row)), want.model, want.version}});
        }
        return;
    }
    std::vector<std::string> values;
    values.reserve(rows.size()); // the views below point into short strings too
    std::vector<std::string_view> keys, value_views, hashes;
    for (const auto place : rows) {
        const auto& row = slice_.rows[place];
        keys.push_back(row.key);
        hashes.push_back(hash_bytes(row));
        value_views.push_back(values.emplace_back(encode(row)));
    }
    steps.push_back({update_sql_,
                     {binary_array(text_oid, keys), binary_array(element_oid_, value_views),
                      binary_array(bytea_oid, hashes), want.model, want.version}});
}

awaitable<merge_result<row_writer::verdict>> row_writer::try_batches(std::vector<batch> batches,
                                                                     std::vector<sql_step> steps) {
    std::size_t expected = 0;
    const auto first = steps.size();
    for (const auto b : batches) {
        add_steps(b, steps);
        expected += b.size();
    }
    const auto reply = co_await connection_.run(std::move(steps), write_trip_limit);
    if (!reply) co_return merge_failure{reply.error(), ""};
    if (reply->failure) {
        if (!is_refused_value(reply->failure->state))
            co_return merge_failure{to_error("merging into " + connection_.place(), *reply->failure, grants_),
                                    reply->failure->state};
        refusal_ = reply->failure->message;
        co_return verdict::refused;
    }
    std::size_t written = 0;
    for (auto i = first; i < reply->results.size(); ++i)
        written += static_cast<std::size_t>(reply->results[i].affected());
    if (written >= expected) co_return verdict::written;
    refusal_ = "a trigger or a policy kept the value from being written";
    co_return verdict::refused;
}

awaitable<merge_result<void>> row_writer::write(std::vector<std::size_t> places,
                                                std::vector<merged_row>& out) {
    if (places.empty()) co_return merge_result<void>();
    if (auto problem = column_mismatch(); !problem.empty())
        co_return merge_failure{{errc::target_blocked, std::move(problem)}, ""};
    places = drop_hopeless(std::move(places), out);
    if (places.empty()) co_return merge_result<void>();
    const auto batches = cut(places);
    std::vector<sql_step> savepoint = {{"SAVEPOINT enrichd_rows", {}}};
    const auto all = co_await try_batches(batches, std::move(savepoint));
    if (!all) co_return all.error();
    if (*all == verdict::refused) co_return co_await bisect(batches, out);
    co_return merge_result<void>();
}

awaitable<merge_result<void>> row_writer::bisect(std::vector<batch> open, std::vector<merged_row>& out) {
    bool undo = true; // what was tried last is still there
    while (!open.empty()) {
        const auto b = open.back();
        open.pop_back();
        std::vector<sql_step> steps;
        if (undo) steps.push_back({"ROLLBACK TO SAVEPOINT enrichd_rows", {}});
        steps.push_back({"RELEASE SAVEPOINT enrichd_rows", {}});
        steps.push_back({"SAVEPOINT enrichd_rows", {}});
        std::vector<batch> one = {b};
        const auto tried = co_await try_batches(std::move(one), std::move(steps));
        if (!tried) co_return tried.error();
        undo = *tried == verdict::refused;
        if (!undo) continue;
        if (b.size() == 1) {
            out[b[0]] = {outcome::invalid, refusal_};
        } else {
            open.push_back(b.subspan(b.size() / 2));
            open.push_back(b.first(b.size() / 2));
        }
    }
    if (!undo) co_return merge_result<void>();
    std::vector<sql_step> last = {{"ROLLBACK TO SAVEPOINT enrichd_rows", {}}};
    const auto reply = co_await connection_.run(std::move(last), write_trip_limit);
    if (!reply) co_return merge_failure{reply.error(), ""};
    if (reply->failure)
        co_return merge_failure{to_error("merging into " + connection_.place(), *reply->failure),
                                reply->failure->state};
    co_return merge_result<void>();
}

} // namespace enrichd::target
