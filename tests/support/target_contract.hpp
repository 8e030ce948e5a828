// What every target must do, checked against a live one: the same checks for SQLite and PostgreSQL.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/config.hpp"
#include "daemon/target/target.hpp"

#include <boost/asio/io_context.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace enrichd::tests {

/// A target with the original's schema (events with text keys, documents), migrated and empty, and a way
/// around it.
class target_world {
public:
    virtual ~target_world() = default;
    virtual void exec(const std::string& sql) = 0;
    virtual std::string one(const std::string& sql) = 0; ///< the first column of the first row; "" for NULL
    virtual std::string bytes(const text_hash& h) = 0;   ///< as a literal
    virtual target::database& db() = 0;
    virtual boost::asio::io_context& loop() = 0;

    /// `date`: ISO, or empty for none. `text` becomes the event's one document; empty for none.
    void add(std::string_view key, std::string_view text, std::string_view date = "2025-09-01",
             std::string_view authority = "MAS");
    std::vector<source_row> select(target::selection s);
    target::merge_reply merge(target::merge_slice slice);
};

inline constexpr std::string_view title_of_all = "A title";

target::wanted summary_of(std::string_view version = "gpt-4o-mini-0123456789ab");
target::merge_row summary_row(std::string_view key, std::string_view text, std::string_view summary);

void every_need_is_told(target_world& w);
void only_rows_that_need_work_carry_text(target_world& w);
void rows_come_in_order_and_filtered(target_world& w);
void documents_are_joined(target_world& w);
/// A world without documents, whose events have a column `Body`; the configuration that names it.
config with_text_column();
void a_column_of_the_table_is_the_text(target_world& w);
void each_row_ends_as_it_should(target_world& w);
void a_slice_that_comes_again_changes_nothing(target_world& w);
void selection_and_merge_agree(target_world& w);
void a_rejected_value_costs_its_row_alone(target_world& w);

} // namespace enrichd::tests
