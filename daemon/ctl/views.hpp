// Replies as texts for people.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/ctl/terminal.hpp"
#include "daemon/ctl/wire.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace enrichd::ctl {

/// Now, in UTC milliseconds.
std::int64_t now_ms();

std::string show_jobs(const std::vector<job_view>& jobs, const terminal& term);
/// One job in a few lines; with `details` of GET /v1/jobs/{id}, its life too.
std::string show_job(const job_view& job, const json& details, const terminal& term);
/// One line: how it stands.
std::string show_job_line(const job_view& job);

/// "12 texts hold invalid UTF-8, of which parts are sent as U+FFFD"
std::string show_replaced(std::int64_t texts);
/// What a run or build did, why it waits, and what it cost.
std::string show_run(const run_view& run, const terminal& term);
/// "1200 rows seen: 240 to enrich, 900 done, ..."
std::string show_rows(const std::map<std::string, std::int64_t>& rows,
                      const std::vector<std::string>& in_flight_jobs);

/// "error: MESSAGE", with its hint below.
std::string show_problem(const char* what, const control::refusal& why, const terminal& term);

std::string show_plan(const json& plan, const terminal& term);
std::string show_status(const json& status, const terminal& term);
std::string show_migration(const json& migration, const terminal& term);
/// The pending steps as SQL that runs as it stands: everything else is a comment.
std::string show_migration_sql(const json& migration);
/// Batches that the ledger does not know, and what stands against adopting them.
std::string show_adoptable(const json& reply, const terminal& term);
std::string show_quarantine(const json& reply, const terminal& term);
std::string show_budget(const json& reply, const terminal& term);

} // namespace enrichd::ctl
