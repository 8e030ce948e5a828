// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim/sim_target.hpp"

#include "core/batch_request.hpp"

#include <fmt/format.h>

#include <utility>

namespace enrichd::faults {

namespace {

constexpr std::size_t rows_at_once = 4;
constexpr std::string_view title = "Release notes";

class sim_rows final : public target::row_stream {
public:
    sim_rows(virtual_time& t, std::vector<source_row> rows) : time_(t), rows_(std::move(rows)) {}
    boost::asio::awaitable<result<std::vector<source_row>>> next() override {
        co_await time_.sleep(5);
        std::vector<source_row> some;
        while (at_ < rows_.size() && some.size() < rows_at_once)
            some.push_back(rows_[at_++]);
        co_return some;
    }

private:
    virtual_time& time_;
    std::vector<source_row> rows_;
    std::size_t at_ = 0;
};

// The rule of core/need_sql.hpp, as far as the simulation's rows need it.
need need_of(const sim_row& row, const target::wanted& want) {
    const auto found = row.values.find(want.kind);
    if (found == row.values.end()) return need::value;
    if (found->second.hash != row.hash()) return need::text_changed;
    return found->second.version == want.version ? need::done : need::version;
}

error unavailable() {
    return {errc::target_unavailable, "the connection to the database was lost (simulated)"};
}

} // namespace

std::string sim_row::marker() const {
    return fmt::format("doc-{:05}-{:03}", text, revision);
}

std::string sim_row::text_of() const {
    return fmt::format(
        "{} says what changed in this release, in a text that is long enough to be worth a summary "
        "and an embedding, whoever asks for either of them.",
        marker());
}

text_hash sim_row::hash() const {
    return hash_text(title, text_of());
}

sim_target::sim_target(const scenario& s, virtual_time& t)
    : scenario_(s), time_(t), calm_ms_(t.now_ms() + s.calm_at), chance_(s.seed * 2 + 0x7a26) {
    for (int n = 0; n < s.rows; ++n) {
        sim_row row;
        row.key = fmt::format("e{}", n);
        // Some share a text, and with it the request; but not where the budget is to be as tight as can be.
        row.text = n > 0 && !s.budget_factor && chance_.one_in(5) ? n - 1 : n;
        row.refused = chance_.happens(s.database.refused_row);
        rows_.push_back(std::move(row));
    }
}

boost::asio::awaitable<result<target::column_report>> sim_target::inspect(kind k) {
    co_await time_.sleep(5);
    if (blocked_) co_return error{errc::target_unavailable, "no connection (simulated)"};
    target::column_report report;
    report.ready = migrated_;
    report.problem = "the columns are missing; run: enrichctl migrate";
    if (k == kind::embeddings) report.dimensions = 4;
    co_return report;
}

boost::asio::awaitable<result<std::unique_ptr<target::row_stream>>> sim_target::read(target::selection s) {
    co_await time_.sleep(5);
    if (!calm() && chance_.happens(scenario_.database.unavailable)) co_return unavailable();
    std::vector<source_row> rows;
    for (const auto& row : rows_) {
        if (row.deleted) continue;
        source_row r;
        r.key = row.key;
        r.why = need_of(row, s.want);
        if (needs_work(r.why)) {
            r.title = title;
            r.text = row.text_of();
        }
        rows.push_back(std::move(r));
    }
    co_return std::unique_ptr<target::row_stream>(std::make_unique<sim_rows>(time_, std::move(rows)));
}

boost::asio::awaitable<result<target::merge_reply>> sim_target::merge(target::merge_slice slice) {
    co_await time_.sleep(chance_.number(5, 200));
    if (blocked_)
        co_return error{errc::target_blocked, "permission denied for table events; grant it (simulated)"};
    if (!calm() && chance_.happens(scenario_.database.unavailable)) co_return unavailable();
    const auto [log, is_new] = log_.try_emplace({slice.submission, slice.number});
    if (is_new)
        for (const auto& row : slice.rows)
            log->second.push_back(write(slice.want, row, slice.submission));
    if (log->second.size() != slice.rows.size())
        co_return error{errc::internal, "this slice was merged with another number of rows"};
    const target::merge_reply reply{log->second, !is_new};
    const bool lost = !calm() && chance_.happens(scenario_.database.ack_lost);
    co_await time_.sleep(chance_.number(5, 200));
    if (lost) co_return unavailable();
    co_return reply;
}

target::merged_row sim_target::write(const target::wanted& want, const target::merge_row& in,
                                     const std::string& submission) {
    for (auto& row : rows_) {
        if (row.key != in.key || row.deleted) continue;
        if (!needs_work(need_of(row, want))) return {outcome::skipped, "done already"};
        if (row.hash() != in.hash) return {outcome::stale, "its text changed"};
        if (row.refused) return {outcome::invalid, "the database refuses the value"};
        row.values[want.kind] = {in.value, want.version, in.hash};
        ++written_[submission];
        return {outcome::ok, ""};
    }
    return {outcome::gone, "the row was deleted"};
}

boost::asio::awaitable<result<std::vector<target::migration_step>>> sim_target::plan_migration() {
    co_await time_.sleep(5);
    target::migration_step step;
    step.name = "0001_enrichment_columns";
    step.applied = migrated_;
    co_return std::vector{step};
}

boost::asio::awaitable<result<std::vector<target::migration_step>>> sim_target::migrate() {
    co_await time_.sleep(5);
    target::migration_step step;
    step.name = "0001_enrichment_columns";
    step.applied = true;
    step.applied_now = !std::exchange(migrated_, true);
    co_return std::vector{step};
}

void sim_target::edit(std::int64_t row) {
    auto& edited = rows_.at(static_cast<std::size_t>(row));
    edited.text = 1000 + static_cast<int>(row); // no other row's text, which may have been bought before
    ++edited.revision;
}

void sim_target::remove(std::int64_t row) {
    rows_.at(static_cast<std::size_t>(row)).deleted = true;
}

} // namespace enrichd::faults
