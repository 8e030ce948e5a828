// A target without a database: its rows, its verdicts and its migration steps are what the test says.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/target/target.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace enrichd::test {

struct fake_target final : target::database {
    std::vector<source_row> rows;
    std::size_t piece = 1000;         ///< how many of them a stream hands out at once
    std::function<void()> after_read; ///< called once a stream has seen the rows, before it hands any out
    std::vector<target::migration_step> steps;
    std::optional<error> broken; ///< what every call answers
    std::string not_ready;       ///< what the columns lack; empty: nothing
    std::string name = "sqlite:test/events";
    std::map<std::string, target::merged_row> verdicts; ///< on rows, by key; every other row is written
    std::vector<target::merge_slice> merged;            ///< what came, replays too
    target::selection asked;                            ///< what was read last

    std::string identity() const override { return name; }

    target::awaitable<result<target::column_report>> inspect(enrichd::kind) override {
        if (broken) co_return *broken;
        target::column_report report;
        report.ready = not_ready.empty();
        report.problem = not_ready;
        co_return report;
    }
    target::awaitable<result<std::unique_ptr<target::row_stream>>> read(target::selection what) override {
        if (broken) co_return *broken;
        asked = std::move(what);
        auto seen = std::make_unique<stream>(rows, piece);
        if (after_read) after_read();
        co_return std::unique_ptr<target::row_stream>(std::move(seen));
    }
    target::awaitable<result<target::merge_reply>> merge(target::merge_slice slice) override {
        if (broken) co_return *broken;
        merged.push_back(slice);
        auto& log = log_[{slice.submission, slice.number}];
        const bool replayed = !log.empty();
        if (replayed && log.size() != slice.rows.size())
            co_return error{errc::internal, "this slice was merged with another number of rows"};
        if (!replayed)
            for (const auto& row : slice.rows)
                log.push_back(verdicts.count(row.key) ? verdicts[row.key] : target::merged_row{});
        co_return target::merge_reply{log, replayed};
    }
    target::awaitable<result<std::vector<target::migration_step>>> plan_migration() override {
        if (broken) co_return *broken;
        co_return steps;
    }
    target::awaitable<result<std::vector<target::migration_step>>> migrate() override {
        if (broken) co_return *broken;
        for (auto& step : steps)
            step.applied_now = !std::exchange(step.applied, true);
        co_return steps;
    }

private:
    struct stream final : target::row_stream {
        stream(std::vector<source_row> r, std::size_t most) : rows(std::move(r)), piece(most) {}
        target::awaitable<result<std::vector<source_row>>> next() override {
            const auto end = rows.begin() + static_cast<std::ptrdiff_t>(std::min(piece, rows.size()));
            std::vector<source_row> some(std::make_move_iterator(rows.begin()), std::make_move_iterator(end));
            rows.erase(rows.begin(), end);
            co_return some;
        }
        std::vector<source_row> rows;
        std::size_t piece;
    };

    std::map<std::pair<std::string, std::int64_t>, std::vector<target::merged_row>> log_;
};

} // namespace enrichd::test
