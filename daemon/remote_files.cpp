// SPDX-License-Identifier: Apache-2.0
#include "daemon/remote_files.hpp"

namespace enrichd {

namespace {

void note(ledger& l, chore what, const std::optional<std::string>& file, std::int64_t job_id) {
    if (file && !file->empty()) l.chores().owe_at_end(what, *file, job_id);
}

} // namespace

void note_remote_files(ledger& l, const job_row& before, const job::state& next, const job::event::any& what,
                       std::int64_t now_ms) {
    if (const auto* uploaded = std::get_if<job::event::file_uploaded>(&what))
        note(l, chore::delete_input, uploaded->file_id, before.id);
    if (const auto* ended = std::get_if<job::polling>(&before.state);
        ended && std::holds_alternative<job::fetched>(next)) {
        note(l, chore::delete_result, ended->output_file_id, before.id);
        note(l, chore::delete_result, ended->error_file_id, before.id);
    }
    if (!job::has_ended(next)) return;
    const bool given_up = std::holds_alternative<job::event::abandon_wanted>(what);
    const auto settle = [&](chore c, bool owed) {
        if (owed)
            l.chores().release(c, before.id, now_ms);
        else
            l.chores().drop(c, before.id);
    };
    settle(chore::delete_result, std::holds_alternative<job::merged>(next));
    // A batch that nobody has seen yet may have been made from it, in this life or in one that a copy of the
    // ledger does not know.
    const bool all_seen = !before.maybe_duplicate && !l.chores().is_owed(chore::find_unknown);
    settle(chore::delete_input, !given_up && (job::batch_id(next) || all_seen));
}

} // namespace enrichd
