// What each command does.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/ctl/session.hpp"

namespace enrichd::ctl {

/// Runs the command of the session's options to its end.
awaitable<exit_code> run_command(session& s);

// Each command, for run_command().
awaitable<exit_code> do_run(session& s);
awaitable<exit_code> do_plan(session& s);
awaitable<exit_code> do_build(session& s);
awaitable<exit_code> do_submit(session& s);
awaitable<exit_code> do_poll(session& s);
awaitable<exit_code> do_merge(session& s);
awaitable<exit_code> do_status(session& s);
awaitable<exit_code> do_jobs(session& s);
awaitable<exit_code> do_job(session& s);
awaitable<exit_code> do_report(session& s);
awaitable<exit_code> do_quarantine_list(session& s);
awaitable<exit_code> do_version(session& s);
awaitable<exit_code> do_cancel(session& s);
awaitable<exit_code> do_change(session& s); ///< discard, retry, pause, resume
awaitable<exit_code> do_resolve(session& s);
awaitable<exit_code> do_release(session& s);
awaitable<exit_code> do_migrate(session& s);
awaitable<exit_code> do_backup(session& s);
awaitable<exit_code> do_verify(session& s);
awaitable<exit_code> do_adopt(session& s);
awaitable<exit_code> do_budget(session& s);

/// Counts tokens; asks no daemon.
exit_code count_tokens(const options& opt);

/// Says so where --budget is above what the profile allows: it can only lower it.
void note_lowered_budget(session& s, const run_view& run);

/// What an ended run exits with, after its summary was printed.
exit_code exit_of(session& s, const run_view& run);

} // namespace enrichd::ctl
