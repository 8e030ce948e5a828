// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/verbs.hpp"

namespace enrichd::ctl {

awaitable<exit_code> run_command(session& s) {
    switch (s.opt.command) {
    case command_id::run: return do_run(s);
    case command_id::plan: return do_plan(s);
    case command_id::status: return do_status(s);
    case command_id::jobs: return do_jobs(s);
    case command_id::job: return do_job(s);
    case command_id::build: return do_build(s);
    case command_id::submit: return do_submit(s);
    case command_id::poll: return do_poll(s);
    case command_id::merge: return do_merge(s);
    case command_id::cancel: return do_cancel(s);
    case command_id::discard:
    case command_id::retry:
    case command_id::pause:
    case command_id::resume: return do_change(s);
    case command_id::resolve: return do_resolve(s);
    case command_id::quarantine_list: return do_quarantine_list(s);
    case command_id::quarantine_release: return do_release(s);
    case command_id::adopt: return do_adopt(s);
    case command_id::report: return do_report(s);
    case command_id::budget: return do_budget(s);
    case command_id::migrate: return do_migrate(s);
    case command_id::backup: return do_backup(s);
    case command_id::verify: return do_verify(s);
    case command_id::version: return do_version(s);
    case command_id::tokens: break; // needs no daemon, and never comes here
    }
    throw fatal_error(errc::internal, "a command without a daemon was given one");
}

} // namespace enrichd::ctl
