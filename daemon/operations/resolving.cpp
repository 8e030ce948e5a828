// A submission that the provider may or may not have taken: what a person says became of it.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/job_log.hpp"
#include "daemon/operations/live_operations.hpp"
#include "daemon/twins.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace enrichd {

using json = nlohmann::json;

namespace {

error refusal_of(const std::string& batch, std::string_view why) {
    return {errc::state_conflict, fmt::format("{} is not adopted: {}", batch, why)};
}

// Whether this batch can be the submission's: by its metadata, else by its input file. Nothing if it can.
std::optional<error> complaint_about(const batch_object& b, const job_row& job,
                                     const job::submit_unknown& s) {
    const auto told = b.metadata.find("enrichd_submission");
    if (told != b.metadata.end() && told->second != s.submission)
        return refusal_of(b.id, fmt::format("it was made for the submission {}, and job {} looks for {}",
                                            told->second, job_name(job.id), s.submission));
    if (told == b.metadata.end() && b.input_file_id != s.file_id)
        return refusal_of(
            b.id,
            fmt::format("nothing shows that it is of job {}: it has no metadata of enrichd, and its "
                        "input file is {}, not {}",
                        job_name(job.id), b.input_file_id.empty() ? "not told" : b.input_file_id, s.file_id));
    const auto requests = static_cast<std::int64_t>(job.plan.totals.requests);
    if (b.total > 0 && b.total != requests)
        return refusal_of(b.id, fmt::format("it has {} requests, and the file of job {} has {}", b.total,
                                            job_name(job.id), requests));
    if (b.status == batch_status::failed)
        return refusal_of(
            b.id, fmt::format("it failed, and holds nothing; send it again: enrichctl resolve {} --resubmit",
                              job_name(job.id)));
    return std::nullopt;
}

} // namespace

result<job_row> live_operations::job_in_doubt(const std::string& id) {
    if (const auto ready = refuse_while_draining(); !ready) return ready.error();
    auto found = find_job(id);
    if (!found) return found.error();
    const auto name = job_name(found->id);
    if (!std::holds_alternative<job::submit_unknown>(found->state))
        return error{errc::state_conflict,
                     fmt::format("job {} is {}: only a job that is submit_unknown has anything to "
                                 "resolve",
                                 name, job::name(found->state))};
    if (parts_.in_turn(found->id))
        return error{errc::lost_race,
                     fmt::format("job {}: the provider's list is being looked through in this moment", name)};
    return found;
}

result<json> live_operations::record_resolution(const job_row& job, const job::event::any& what,
                                                const std::string& detail, const char* status) {
    const auto next = job::apply(job.state, what);
    if (!next) return next.error();
    const auto now = parts_.clock.now_ms();
    const job_change change{*next, std::string(job::event::name(what)), detail, {now, 0, ""},
                            false, job::may_duplicate(job.state, *next)};
    {
        auto all_at_once = parts_.ledger.begin();
        if (const auto recorded = parts_.ledger.jobs().record(job, change, now); !recorded)
            return recorded.error();
        owe_looks_for_twins(parts_.ledger, job, *next, now,
                            longest_look_wait_ms(parts_.settings().settings->submit.reconcile_seconds));
        all_at_once.commit();
    }
    log_transition(job, change);
    something_changed();
    return json{{"status", status}, {"job", job_object(job.id)}};
}

boost::asio::awaitable<result<json>> live_operations::resolve(std::string id,
                                                              std::optional<std::string> adopt) {
    auto job = job_in_doubt(id);
    if (!job) co_return job.error();
    const auto name = job_name(job->id);
    if (!adopt && job->wishes.cancel != job::cancel_reason::none)
        co_return error{
            errc::state_conflict,
            fmt::format("job {} is to be cancelled, and is not sent again; to end it without its batch: "
                        "enrichctl cancel {} --abandon",
                        name, name)};
    if (!adopt)
        co_return record_resolution(*job, job::event::resubmit_wanted{},
                                    "by a person's word that no batch was made", "resubmitting");

    if (const auto other = parts_.ledger.jobs().find_batch(*adopt))
        co_return refusal_of(*adopt, fmt::format("it is the batch of job {}", job_name(other->id)));
    const auto client = parts_.provider();
    const auto seen = co_await client->get_batch(*adopt);
    if (!seen) co_return seen.error();
    job = job_in_doubt(id); // a turn may have found it meanwhile
    if (!job) co_return job.error();
    if (auto why = complaint_about(*seen, *job, std::get<job::submit_unknown>(job->state)))
        co_return std::move(*why);
    co_return record_resolution(*job, job::event::batch_created{seen->id, seen->created_at},
                                seen->id + ", named by a person", "adopted");
}

} // namespace enrichd
