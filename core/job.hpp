// A job's life as two pure functions: next_effect() and apply().
// SPDX-License-Identifier: Apache-2.0
//
//   built -> intent_upload -> uploaded -> intent_submit -> submitted -> polling -> fetched -> merged
//                                              \-> submit_unknown -/
// A turn performs the effect that a state owes, applies the event that came of it, and records the new state.
// The two intents are recorded *before* the call that cannot be repeated: a turn that finds one in the ledger
// knows that an earlier turn died in the middle, and looks at the provider's list before anything is sent
// again.
#pragma once

#include "core/batch_status.hpp"
#include "core/error.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace enrichd::job {

/// How far a job goes by itself. `build` makes jobs that stop at built; `submit` moves the goal to fetched;
/// `run` and `merge` to merged.
enum class goal { built, fetched, merged };

/// Why a batch is to be cancelled. What was cancelled so is not sent again by itself. `abandon`: the user
/// does not wait for the provider either, and gives up what the batch did.
enum class cancel_reason { none, user, deadline, abandon };

/// What the next effect depends on besides the state: wishes, recorded beside it.
struct wishes {
    goal until = goal::built;
    cancel_reason cancel = cancel_reason::none;

    bool operator==(const wishes&) const = default;
};

/// Which file of results is merged next, and from where. A slice has the same number and the same lines on
/// every replay.
struct merge_cursor {
    enum class part { output, errors, rest };
    part where = part::output; ///< rest: requests of which neither file has a line
    std::uint64_t offset = 0;  ///< bytes of the file that are merged
    std::int64_t slice = 0;    ///< number of the next slice
    std::uint64_t lines = 0;   ///< that it has at most; 0: as many as are merged at once now

    bool operator==(const merge_cursor&) const = default;
};

// States. Each owns just what the daemon must know in it.

/// The request file is on disk, and nothing was sent.
struct built {};
/// An upload may be under way, or may have been when we died.
struct intent_upload {
    std::string submission;
};
/// The provider has the file; no batch was asked for with it.
struct uploaded {
    std::string file_id;
    std::string unused_submission; ///< an earlier submission of which no batch exists: its id is used again
    std::int64_t unused_since_ms = 0; ///< when that one was first intended
};
/// A batch may have been asked for. Nothing that costs money can exist before this state is durable.
struct intent_submit {
    std::string submission;
    std::string file_id;
    std::int64_t since_ms = 0; ///< when the intent was recorded: how far back the list must be read
};
/// We asked, and do not know whether the provider took it. Looked for on a widening schedule.
struct submit_unknown {
    std::string submission;
    std::string file_id;
    std::int64_t since_ms = 0;
    std::int64_t looks = 0; ///< complete looks through the provider's list that found nothing
};
/// The batch has an id, and was not seen since.
struct submitted {
    std::string submission;
    std::string file_id;
    std::string batch_id;
    std::int64_t created_at = 0; ///< seconds, the provider's clock
};
/// Seen at least once.
struct polling {
    std::string submission;
    std::string file_id;
    std::string batch_id;
    std::int64_t created_at = 0;
    batch_status status = batch_status::unknown;
    std::int64_t total = 0;
    std::int64_t completed = 0;
    std::int64_t failed = 0;
    std::optional<std::string> output_file_id;
    std::optional<std::string> error_file_id;
    std::optional<token_usage> billed; ///< of the whole batch, where the provider tells it
    std::int64_t polls = 0;
    std::int64_t looks_for_files = 0; ///< since its end, for files of results that its counts promise
    bool cancel_sent = false;
};
/// SHA-256 of the files of results, in hex; empty where there is no such file.
struct result_digests {
    std::string output;
    std::string errors;
    friend bool operator==(const result_digests&, const result_digests&) = default;
};
/// Ended there, results here; merging goes on in slices.
struct fetched {
    std::string submission;
    std::string batch_id;
    batch_status ended_as = batch_status::completed;
    bool has_output = false;
    bool has_errors = false;
    std::optional<token_usage> billed;
    merge_cursor next;
    result_digests digests = {};
    bool some_gone = false; ///< a file of results is gone at the provider: what it told is not known
};
/// Every request has its outcome.
struct merged {
    std::string batch_id;
};
/// A reason of failed{}.
inline constexpr std::string_view given_up = "given up by the user; what it did by then is not merged";
/// The provider refused the file or the batch as a whole, or the user gave the batch up.
struct failed {
    std::string reason;
};
/// Cancelled before a batch existed.
struct cancelled {};
/// Built, and no batch made of it: dropped by the user, or cut into smaller jobs.
struct discarded {
    std::uint64_t cut_to = 0; ///< tokens that each of the smaller jobs has at most; 0: dropped
};

using state = std::variant<built, intent_upload, uploaded, intent_submit, submit_unknown, submitted, polling,
                           fetched, merged, failed, cancelled, discarded>;

/// The state's word in ledger, JSON, journal and CLI: the name of its struct.
std::string_view name(const state& s);

/// No event leads out of it.
bool has_ended(const state& s);

/// The word of the spine (built, submitted, polling, merged) under which people see a state, or the state's
/// own name where it ended beside the spine.
std::string_view spine_word(const state& s);

/// The provider's id of the batch, where it is known.
std::optional<std::string> batch_id(const state& s);

namespace event {

struct upload_intended {
    std::string submission;
};
struct file_uploaded {
    std::string file_id;
};
struct file_not_found {}; ///< an earlier upload left no file, or it is gone: upload again, it costs nothing
struct file_refused {
    std::string reason;
};
struct submit_intended {
    std::string submission;
    std::int64_t since_ms = 0;
};
struct batch_created {
    std::string batch_id;
    std::int64_t created_at = 0;
}; ///< by our call, or found in the list
struct batch_found {
    std::string submission; ///< that it was made by
    std::string file_id;
    std::string batch_id;
    std::int64_t created_at = 0;
}; ///< in the list, though this ledger knows of no submission: it is an old copy that was put back
struct batch_refused {
    std::string reason;
}; ///< cleanly: no batch exists
struct batch_postponed {
    error why;
}; ///< cleanly refused for now (429): no batch exists, ask again later
struct batch_unclear {
    std::string reason;
}; ///< we do not know
struct batch_not_found {
    bool last_look = false;
};
struct resubmit_wanted {}; ///< the user says that no batch was made: it is sent again
struct batch_seen {
    batch_object batch;
};
struct cancel_wanted {};
struct cancel_sent {
    batch_object batch;
};
struct results_fetched {
    bool has_output = false;
    bool has_errors = false;
    std::uint64_t slice_lines = 0; ///< of the first slice, at most
    result_digests digests = {};
    bool some_gone = false; ///< a file that the batch names is not to be had any more
};
struct results_gone {}; ///< the file that was being merged is lost here, and gone at the provider
struct slice_merged {
    merge_cursor next;
};
struct all_merged {};
struct discard_wanted {};
struct cut_wanted {
    std::uint64_t tokens = 0;
};                        ///< its batch can never fit into the provider's queue; jobs of so many tokens can
struct abandon_wanted {}; ///< the user gives up a batch of which nothing more is to be had

using any =
    std::variant<upload_intended, file_uploaded, file_not_found, file_refused, submit_intended, batch_created,
                 batch_refused, batch_postponed, batch_unclear, batch_not_found, resubmit_wanted, batch_seen,
                 cancel_wanted, cancel_sent, results_fetched, slice_merged, all_merged, discard_wanted,
                 abandon_wanted, batch_found, results_gone, cut_wanted>;

/// The event's word in the history: the name of its struct.
std::string_view name(const any& e);

} // namespace event

namespace effect {

struct none {};          ///< ended
struct wait_for_user {}; ///< the goal is reached; submit, merge, discard or cancel moves on
struct upload {};        ///< preceded by upload_intended
struct find_file {
    std::string submission;
};
struct create_batch {
    std::string file_id;
}; ///< preceded by submit_intended
struct find_batch {
    std::string submission;
    std::string file_id;
    std::int64_t since_ms = 0;
    std::int64_t looks = 0;
};
struct poll {
    std::string batch_id;
};
struct cancel_batch {
    std::string batch_id;
};
struct fetch {
    std::string batch_id;
    std::optional<std::string> output_file_id;
    std::optional<std::string> error_file_id;
};
struct merge {
    std::string submission;
    std::string batch_id;
    batch_status ended_as{};
    merge_cursor from;
    bool has_output = false;
    bool has_errors = false;
    result_digests digests = {};
    bool some_gone = false;
};

using any = std::variant<none, wait_for_user, upload, find_file, create_batch, find_batch, poll, cancel_batch,
                         fetch, merge>;

/// The effect's word in log and `job`: the name of its struct.
std::string_view name(const any& e);

} // namespace effect

/// True while only time can tell: whether a batch exists is known by looks through the provider's list at the
/// times of a schedule, and no command hurries one.
bool keeps_its_time(const state& s);

/// True where a submission is sent again though a batch of it may exist: one that shows up late is paid for
/// beside the new one.
bool may_duplicate(const state& from, const state& to);

/// True once the provider will do no more for the job: its batch has ended there, or it never had one.
bool is_over_at_provider(const state& s);

/// True of an end that no batch's answers came to, and that gave none up: the provider refused the file or
/// the batch, or the job was cancelled before a batch was known.
bool ended_without_answers(const state& s);

/// True where a batch has ended with answers, and does not name the files that hold them yet.
bool awaits_results(const polling& s);

/// How often such files are looked for before the deadline gives them up: it may have passed while we were
/// away, or as the wall clock was set.
inline constexpr std::int64_t looks_for_results = 60;

/// True as long as they are waited for: until the deadline and enough looks, or until the user cancels.
bool waits_for_results(const polling& s, const wishes& w);

/// What the daemon owes the world while a job is in this state.
effect::any next_effect(const state& s, const wishes& w);

/// Where an event leads. Errors: illegal_transition, naming both.
result<state> apply(const state& s, const event::any& e);

/// True if apply() accepts the event in this state.
bool is_legal(const state& s, const event::any& e);

/// The event to record before an effect that cannot be repeated is performed; absent for all others.
std::optional<event::any> intent(const effect::any& e, const std::string& submission, std::int64_t now_ms);

} // namespace enrichd::job
