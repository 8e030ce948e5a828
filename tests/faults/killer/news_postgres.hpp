// A round's rows in a database of a real PostgreSQL server.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/faults/killer/news.hpp"
#include "tests/support/postgres_server.hpp"

#include <optional>

namespace enrichd::killer {

class news_in_postgres final : public news {
public:
    news_in_postgres(const round_plan& p, const std::filesystem::path& folder);
    ~news_in_postgres() override;

    std::string url() const override { return url_; }
    std::string exec(const std::string& sql) override { return exec_in(database_, sql); }
    void hold() override;
    void let_go() override { holder_.reset(); }
    void crash() override;
    void restart() override;
    std::vector<trick> tricks() const override;
    void audit() override;
    std::string snapshot() override;
    std::string copy_without_values() override;
    std::string snapshot_of_copy() override;
    std::string log() const override;

private:
    std::string exec_in(const std::string& database, const std::string& sql);

    tests::postgres_server& server_ = news_server();
    std::string database_;
    std::string password_;
    std::string url_;
    bool is_down_ = false;
    std::optional<tests::postgres_client> holder_; ///< of the lock
};

} // namespace enrichd::killer
