// A target in memory with a merge log, and the model of what it must hold.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/target/target.hpp"
#include "tests/faults/sim/scenario.hpp"
#include "tests/faults/sim/virtual_time.hpp"

#include <boost/asio/awaitable.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace enrichd::faults {

/// A value as it was merged.
struct sim_value {
    std::variant<std::string, std::vector<float>> value;
    std::string version;
    text_hash hash{};
};

struct sim_row {
    std::string key;
    int text = 0; ///< rows of the same number have the same text
    int revision = 1;
    bool deleted = false;
    bool refused = false; ///< the database takes no value for it
    std::map<kind, sim_value> values;

    std::string marker() const;
    std::string text_of() const;
    text_hash hash() const;
};

class sim_target final : public target::database {
public:
    template <class T>
    using awaitable = boost::asio::awaitable<T>;

    sim_target(const scenario& s, virtual_time& t);

    std::string identity() const override { return "sqlite:simulated/events"; }
    awaitable<result<target::column_report>> inspect(kind k) override;
    awaitable<result<std::unique_ptr<target::row_stream>>> read(target::selection s) override;
    awaitable<result<target::merge_reply>> merge(target::merge_slice slice) override;
    awaitable<result<std::vector<target::migration_step>>> plan_migration() override;
    awaitable<result<std::vector<target::migration_step>>> migrate() override;

    void edit(std::int64_t row);
    void remove(std::int64_t row);
    void block(bool blocked) { blocked_ = blocked; }

    const std::vector<sim_row>& rows() const { return rows_; }
    /// Rows that a submission wrote, by its own transactions.
    const std::map<std::string, std::int64_t>& written() const { return written_; }

private:
    bool calm() const { return time_.now_ms() >= calm_ms_; }
    target::merged_row write(const target::wanted& want, const target::merge_row& in,
                             const std::string& submission);

    const scenario& scenario_;
    virtual_time& time_;
    std::int64_t calm_ms_;
    chance chance_;
    std::vector<sim_row> rows_;
    std::map<std::pair<std::string, std::int64_t>, std::vector<target::merged_row>> log_;
    std::map<std::string, std::int64_t> written_;
    bool blocked_ = false;
    bool migrated_ = false;
};

} // namespace enrichd::faults
