// A round's rows in a SQLite file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/faults/killer/news.hpp"

#include "state/sqlite.hpp"

#include <optional>

namespace enrichd::killer {

class news_in_sqlite final : public news {
public:
    news_in_sqlite(const round_plan& p, const std::filesystem::path& folder);

    std::string url() const override { return "sqlite:" + file_.string(); }
    std::string exec(const std::string& sql) override { return exec_in(file_, sql); }
    void hold() override;
    void let_go() override { holder_.reset(); }
    std::vector<trick> tricks() const override;
    void audit() override;
    std::string snapshot() override;
    std::string copy_without_values() override;
    std::string snapshot_of_copy() override;

private:
    std::string exec_in(const std::filesystem::path& file, const std::string& sql);

    std::filesystem::path file_;
    std::optional<sqlite::database> holder_; ///< of the lock
};

} // namespace enrichd::killer
