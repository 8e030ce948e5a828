// What is owed beside the turns of jobs and runs: calls to the provider, and reports.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/sqlite.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace enrichd {

enum class chore {
    find_twins,    ///< look through the provider's list for batches of a job beside its own
    follow_twin,   ///< look at such a batch until it has ended
    delete_input,  ///< a request file at the provider
    delete_result, ///< an output or error file there
    sweep_files,   ///< request files there that no job needs any more
    find_unknown,  ///< look through the provider's list for batches that the ledger does not know
    write_report,  ///< of a run that has ended, anew: what it cost is told better now
};

std::string_view name(chore c);

struct chore_row {
    chore what{};
    /// The job of find_twins, the batch of follow_twin, the file to be deleted, the run of write_report; else
    /// empty.
    std::string subject;
    std::int64_t job_id = 0; ///< 0: of none
    std::int64_t due_ms = 0;
    std::int64_t failures = 0; ///< tries in a row that could not be done
    std::int64_t missing = 0;  ///< the last of these, in a row: the provider said that it has no such call
    std::string reason = {};   ///< of the last of these, for people
};

class chore_table {
public:
    explicit chore_table(sqlite::database& db);

    /// Owed from then on; one that is owed already takes the new time.
    void owe(const chore_row& c);
    /// It was done, or is tried again later. Nothing where it was owed anew meanwhile.
    void done(const chore_row& c);
    /// `why` it was not done: empty where its time had not come yet.
    void postpone(const chore_row& c, std::int64_t due_ms, const std::string& why = "", bool missing = false);
    /// Waits for the end of its job: release() makes it owed then, or drop() forgets it.
    void owe_at_end(chore what, const std::string& subject, std::int64_t job_id);
    void release(chore what, std::int64_t job_id, std::int64_t due_ms);
    void drop(chore what, std::int64_t job_id);
    bool is_owed(chore what);
    /// Of a chore without a subject.
    std::optional<chore_row> find(chore what);
    /// The first whose time has come.
    std::optional<chore_row> due(std::int64_t now_ms);
    std::optional<std::int64_t> next_due();

private:
    sqlite::statement owe_, owe_at_end_, done_, postpone_, release_, drop_, is_owed_, find_, due_, next_due_;
};

} // namespace enrichd
