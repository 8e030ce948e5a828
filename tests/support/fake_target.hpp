// A target without a database: its rows and migration steps are what the test says.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/target/target.hpp"

#include <optional>
#include <utility>

namespace enrichd::test {

struct fake_target final : target::database {
    std::vector<source_row> rows;
    std::vector<target::migration_step> steps;
    std::optional<error> broken; ///< what every call answers

    std::string identity() const override { return "sqlite:test/events"; }

    target::awaitable<result<target::column_report>> inspect(enrichd::kind) override {
        if (broken) co_return *broken;
        target::column_report report;
        report.ready = true;
        co_return report;
    }
    target::awaitable<result<std::unique_ptr<target::row_stream>>> read(target::selection) override {
        if (broken) co_return *broken;
        co_return std::unique_ptr<target::row_stream>(std::make_unique<stream>(rows));
    }
    target::awaitable<result<target::merge_reply>> merge(target::merge_slice slice) override {
        if (broken) co_return *broken;
        co_return target::merge_reply{std::vector<target::merged_row>(slice.rows.size()), false};
    }
    target::awaitable<result<std::vector<target::migration_step>>> plan_migration() override {
        if (broken) co_return *broken;
        co_return steps;
    }
    target::awaitable<result<std::vector<target::migration_step>>> migrate() override {
        if (broken) co_return *broken;
        for (auto& step : steps)
            step.applied = true;
        co_return steps;
    }

private:
    struct stream final : target::row_stream {
        explicit stream(std::vector<source_row> r) : rows(std::move(r)) {}
        target::awaitable<result<std::vector<source_row>>> next() override {
            co_return std::exchange(rows, {});
        }
        std::vector<source_row> rows;
    };
};

} // namespace enrichd::test
