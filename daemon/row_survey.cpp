// SPDX-License-Identifier: Apache-2.0
#include "daemon/row_survey.hpp"

#include "core/cost_curve.hpp"
#include "daemon/target/identity.hpp"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

namespace enrichd {

namespace {

result<recipe> recipe_of(kind k, const build_settings& with, std::optional<std::uint32_t> column_dimensions) {
    const auto& c = *with.settings;
    const auto m = with.models->find(k == kind::summaries ? c.summaries.model : c.embeddings.model, k);
    if (!m) return m.error();
    if (k == kind::summaries) return make_summary_recipe(c.summaries, *m);
    return make_embedding_recipe(c.embeddings, *m, column_dimensions);
}

// The same database under another address would pass for another target, and rows in flight would be bought a
// second time.
result<void> refuse_two_targets(ledger& l, const std::string& configured) {
    const auto elsewhere = l.flights().elsewhere(configured, 1);
    if (elsewhere.empty()) return {};
    const auto& [job, other] = elsewhere.front();
    return error{
        errc::target_blocked,
        fmt::format("job {} has rows of {} under way, and the configured target is {}. To go on, let the job "
                    "end first (enrichctl job {}), or {}",
                    job_name(job), other, configured, job_name(job),
                    target::how_to_return(other, configured))};
}

boost::asio::awaitable<result<std::unique_ptr<row_reader>>> open_rows(kind k, const run_order& order,
                                                                      const build_settings& with, ledger& l,
                                                                      boost::asio::any_io_executor pool) {
    if (const auto one = refuse_two_targets(l, with.database->identity()); !one) co_return one.error();
    const auto columns = co_await with.database->inspect(k);
    if (!columns) co_return columns.error();
    if (!columns->ready) co_return error{errc::target_blocked, columns->problem};
    const auto r = recipe_of(k, with, columns->dimensions);
    if (!r) co_return r.error();
    target::selection rows{wanted_of(*r, order, *with.settings), order.since_ms, order.authorities};
    auto before = l.flights().mark(with.database->identity(), k);
    auto stream = co_await with.database->read(std::move(rows));
    if (!stream) co_return stream.error();
    auto reader =
        std::make_unique<row_reader>(l, pool, *r, order.limit, std::move(before), std::move(*stream));
    reader->summary().warnings = columns->warnings;
    co_return std::move(reader);
}

void add_to(cost_curve& curve, const std::vector<prepared_row>& rows, const model& m) {
    for (const auto& row : rows) {
        money bound;
        for (const auto& line : row.requests.lines)
            bound += upper_bound(line, m);
        curve.add(bound);
    }
}

} // namespace

target::wanted wanted_of(const recipe& r, const run_order& order, const config& c) {
    return {r.kind, r.model.name, r.version, order.refresh_legacy, c.keep_versions};
}

boost::asio::awaitable<result<recipe>> recipe_for(kind k, build_settings with) {
    const auto columns = co_await with.database->inspect(k);
    if (!columns) co_return columns.error();
    if (!columns->ready) co_return error{errc::target_blocked, columns->problem};
    co_return recipe_of(k, with, columns->dimensions);
}

boost::asio::awaitable<result<run_summary>> survey(const run_order& order, const build_settings& with,
                                                   ledger& l, boost::asio::any_io_executor pool,
                                                   row_sink& sink) {
    run_summary so_far;
    std::vector<cost_curve> curves;
    bool go_on = true;
    for (const auto k : order.kinds) {
        auto reader = co_await open_rows(k, order, with, l, pool);
        if (!reader) co_return reader.error();
        const auto& r = (*reader)->recipe();
        so_far.kinds.push_back((*reader)->summary());
        auto& curve = curves.emplace_back();
        co_await sink.begin(r);
        while (go_on) {
            auto rows = co_await (*reader)->next();
            if (!rows) co_return rows.error();
            so_far.kinds.back() = (*reader)->summary();
            if (rows->empty()) break;
            add_to(curve, *rows, r.model);
            const auto taken = co_await sink.take(std::move(*rows), so_far);
            if (!taken) co_return taken.error();
            go_on = *taken;
        }
        const auto files = co_await sink.end();
        if (!files) co_return files.error();
        so_far.kinds.back().files = *files;
    }
    const auto limit = limit_of(order, with.settings->budget);
    if (so_far.bound() > limit) so_far.would_fit = rows_that_fit(curves, limit);
    co_return so_far;
}

} // namespace enrichd
