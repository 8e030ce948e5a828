// SPDX-License-Identifier: Apache-2.0
#include "daemon/operations/job_story.hpp"

#include "core/control_errors.hpp"
#include "core/iso_time.hpp"
#include "core/overloaded.hpp"

#include <fmt/format.h>

#include <cmath>
#include <string_view>
#include <utility>

namespace enrichd {

namespace {

constexpr auto submit_not_ordered = "waits for submit";
constexpr auto merge_not_ordered = "waits for merge";
constexpr auto resolve_not_ordered = "waits for resolve";
constexpr auto is_paused = "paused";

struct teller {
    const job_row& job;
    bool paused;
    std::optional<std::int64_t> deadline_ms;

    std::string id() const { return job_name(job.id); }
    bool cancel_wanted() const { return job.wishes.cancel != job::cancel_reason::none; }

    // " at 2025-07-01 12:30:15Z", or nothing where it is now, or waits for something else than time.
    std::string when() const {
        return job.waiting.due_ms ? " at " + format_iso_time(*job.waiting.due_ms) : "";
    }
    std::string by_deadline() const {
        return deadline_ms
                   ? fmt::format("; if it has not ended by {}, it is cancelled, and what it did is merged",
                                 format_iso_time(*deadline_ms))
                   : "";
    }

    job_story cancelling_before_batch() const {
        return {
            "it is to be cancelled; no batch of it exists", "is cancelled, and costs nothing", {}, {}, {}};
    }
    job_story held_by_pause() const {
        return {"submitting is paused", "goes on after: enrichctl resume", is_paused, {}, {}};
    }

    job_story operator()(const job::built&) const {
        if (cancel_wanted()) return cancelling_before_batch();
        if (job.wishes.until == job::goal::built)
            return {"its request file is built, and nothing was sent",
                    fmt::format("waits for: enrichctl submit --kind {} --input FILE", name(job.plan.kind)),
                    submit_not_ordered,
                    {},
                    {}};
        if (paused) return held_by_pause();
        return {
            "its request file is built, and is to be sent", "uploads the request file" + when(), {}, {}, {}};
    }
    job_story operator()(const job::intent_upload&) const {
        return {"its request file is being uploaded",
                "looks whether the provider has the file, before it uploads again",
                {},
                {},
                {}};
    }
    job_story operator()(const job::uploaded&) const {
        if (cancel_wanted()) return cancelling_before_batch();
        if (paused) return held_by_pause();
        return {"the provider has its request file, and no batch was made of it yet",
                "asks the provider for a batch" + when(),
                {},
                {},
                {}};
    }
    job_story operator()(const job::intent_submit&) const {
        return {"the provider is being asked for a batch",
                "looks in the provider's list whether the batch exists, before anything is sent again",
                {},
                {},
                {}};
    }
    job_story operator()(const job::submit_unknown& s) const {
        const auto why =
            fmt::format("whether the provider took the batch is not known: asked at {}, and looked for "
                        "in its list {} without finding it",
                        format_iso_time(s.since_ms), times(s.looks));
        if (!job.waiting.due_ms)
            return {
                why,
                fmt::format("waits for: enrichctl resolve {0} --adopt BATCH, if the provider shows one, or: "
                            "enrichctl resolve {0} --resubmit; to look once more: enrichctl poll {0}",
                            id()),
                resolve_not_ordered,
                {},
                {}};
        return {why,
                fmt::format("looks through the provider's list again{}; {} if it never shows up", when(),
                            cancel_wanted() ? "it is cancelled" : "it is sent again only"),
                {},
                {},
                {}};
    }
    job_story operator()(const job::submitted&) const {
        if (cancel_wanted())
            return {cancel_cause(), "asks the provider to cancel the batch" + when(), {}, {}, {}};
        return {"the provider took the batch", "looks at the batch" + when() + by_deadline(), {}, {}, {}};
    }
    job_story operator()(const job::polling& s) const {
        const auto progress =
            fmt::format("{} of {} requests are done", s.completed + s.failed,
                        s.total > 0 ? s.total : static_cast<std::int64_t>(job.plan.totals.requests));
        if (has_ended(s.status))
            return {fmt::format("the batch has ended as {}", name(s.status)),
                    "fetches the results" + when(),
                    {},
                    {},
                    {}};
        if (cancel_wanted() && !s.cancel_sent)
            return {cancel_cause(), "asks the provider to cancel the batch" + when(), {}, {}, {}};
        if (cancel_wanted())
            return {fmt::format("{}; the provider was asked to cancel, and has not confirmed it: {}",
                                cancel_cause(), progress),
                    fmt::format("looks again{}; what the batch did is fetched and merged", when()),
                    {},
                    {},
                    {}};
        const auto why = s.status == batch_status::validating
                             ? std::string("the provider checks the request file")
                             : fmt::format("the provider works on it: {}", progress);
        return {why, "looks again" + when() + by_deadline(), {}, {}, {}};
    }
    job_story operator()(const job::fetched& s) const {
        const auto ended =
            fmt::format("the batch has ended as {}, and its results are here", name(s.ended_as));
        if (job.wishes.until != job::goal::merged)
            return {ended, fmt::format("waits for: enrichctl merge {}", id()), merge_not_ordered, {}, {}};
        return {fmt::format("{}; merging them, {} slices so far", ended, s.next.slice),
                "merges the next slice" + when(),
                {},
                {},
                {}};
    }
    job_story operator()(const job::merged& s) const {
        return {fmt::format("every request of batch {} has its outcome", s.batch_id), "", {}, {}, {}};
    }
    job_story operator()(const job::failed& s) const {
        if (s.reason == job::given_up) return {"it was " + s.reason, "", {}, {}, {}};
        return {"the provider refused the file or the batch as a whole, and billed nothing: " + s.reason,
                "",
                {},
                {},
                error{errc::provider_rejected, s.reason}};
    }
    job_story operator()(const job::cancelled&) const {
        return {"it was cancelled before a batch existed, and cost nothing", "", {}, {}, {}};
    }
    job_story operator()(const job::discarded& s) const {
        if (s.cut_to > 0)
            return {"it was larger than the provider's queue takes, and was cut into smaller jobs",
                    "",
                    {},
                    {},
                    {}};
        return {"it was discarded, and never sent", "", {}, {}, {}};
    }

    std::string cancel_cause() const {
        return job.wishes.cancel == job::cancel_reason::deadline
                   ? "the batch is over its deadline, and is to be cancelled"
                   : "it is to be cancelled";
    }
    static std::string times(std::int64_t n) { return n == 1 ? "once" : fmt::format("{} times", n); }
};

// "... (HTTP 500 to GET /batches/b, request req_1)" says another id at every try; the whole of it is in
// `why`.
std::string without_request_id(std::string message) {
    const auto at = message.rfind(", request ");
    if (at == std::string::npos || message.rfind("(HTTP ", at) == std::string::npos) return message;
    const auto end = message.find(')', at);
    return end == std::string::npos ? message : message.erase(at, end - at);
}

// The provider answered 404: either it is another server than was meant, or it has lost what is asked for.
std::string advice_on_404(const job_row& job, std::string_view message) {
    if (message.find("to POST /files)") != std::string_view::npos)
        return fmt::format(
            "look at [provider] base_url: there is no such API; then: systemctl reload enrichd, "
            "and: enrichctl retry {}",
            job_name(job.id));
    return fmt::format("the provider does not know it any more; give it up: enrichctl cancel {} --abandon",
                       job_name(job.id));
}

std::string advice(const job_row& job, errc code, std::string_view message) {
    auto again = "enrichctl retry " + job_name(job.id);
    if (const auto* p = std::get_if<job::polling>(&job.state); p && job::waits_for_results(*p, job.wishes))
        return fmt::format(
            "they are waited for until the deadline; to go on without them: enrichctl cancel {}",
            job_name(job.id));
    if (code == errc::provider_rejected && message.find("(HTTP 404 to ") != std::string_view::npos)
        return advice_on_404(job, message);
    // Adopted, it leaves rows that a job has to that job, which would buy them again.
    if (code == errc::unknown_batches)
        return fmt::format("enrichctl adopt; where this job has the same rows, first: enrichctl cancel {}",
                           run_name(job.plan.run_id));
    if (!needs_person(code)) return again;
    const auto first = hint(code, message);
    return first.empty() ? again : fmt::format("{}, then: {}", first, again);
}

} // namespace

job_story tell(const job_row& job, bool paused, std::optional<std::int64_t> deadline_ms) {
    auto story = std::visit(teller{job, paused, deadline_ms}, job.state);
    if (story.held || job::has_ended(job.state) || !job.waiting.cause) return story;
    const auto code = *job.waiting.cause;
    if (code == errc::queue_full) { // as it should be: others are before it
        story.why = job.waiting.reason;
        story.next = "asks the provider for a batch as soon as there is room";
        if (job.waiting.due_ms) story.next += ", and looks" + teller{job, paused, deadline_ms}.when();
        return story;
    }
    auto message = without_request_id(job.waiting.reason);
    auto help = advice(job, code, message);
    story.blocked = obstacle{code, std::move(message), std::move(help)};
    story.why = job.waiting.reason;
    if (job.waiting.failures > 1) story.why += fmt::format(" (tried {} times)", job.waiting.failures);
    return story;
}

std::optional<std::int64_t> deadline_of(const job_row& job, double deadline_hours) {
    const auto from = [&](std::int64_t created_at) -> std::optional<std::int64_t> {
        if (created_at <= 0) return std::nullopt;
        return created_at * 1000 + std::llround(deadline_hours * 3'600'000);
    };
    if (const auto* s = std::get_if<job::submitted>(&job.state)) return from(s->created_at);
    if (const auto* s = std::get_if<job::polling>(&job.state);
        s && (!has_ended(s->status) || job::awaits_results(*s)))
        return from(s->created_at);
    return std::nullopt;
}

} // namespace enrichd
