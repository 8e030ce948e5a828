// The provider's list, looked through for batches that the ledger does not know.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/adopter.hpp"

#include "core/overloaded.hpp"
#include "daemon/batch_search.hpp"
#include "daemon/purchase_gate.hpp"
#include "daemon/row_survey.hpp"
#include "daemon/submission_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

namespace enrichd {

namespace {

// The submission of which a job looks for the batch itself; empty if it does not.
std::string submission_in_doubt(const job::state& s) {
    return std::visit(overloaded{
                          [](const job::intent_submit& x) { return x.submission; },
                          [](const job::submit_unknown& x) { return x.submission; },
                          [](const job::uploaded& x) { return x.unused_submission; },
                          [](const auto&) { return std::string(); },
                      },
                      s);
}

// Why nothing is to be had of the batch; empty if something is, if only its bill, or may come.
std::string why_empty(const batch_object& b, std::int64_t now_ms) {
    if (!has_ended(b.status) || b.output_file_id || b.error_file_id || is_bill_alone(b, now_ms)) return {};
    if (b.status == batch_status::failed) {
        std::string why = "the provider failed it, and did nothing";
        if (!b.errors.empty())
            why += fmt::format(" ({}: {})", b.errors.front().code, b.errors.front().message);
        return why;
    }
    if (b.completed + b.failed == 0)
        return fmt::format("it ended {} before any request ran: nothing was paid", name(b.status));
    return fmt::format("it ended {}, and the provider names no file of results yet", name(b.status));
}

std::vector<std::string> warnings_about(const std::vector<unknown_batch>& batches, const std::string& ours,
                                        const std::string& mark) {
    std::map<std::string, std::int64_t> others;
    for (const auto& b : batches)
        if (b.label.target == mark && b.label.installation != ours) ++others[b.label.installation];
    std::vector<std::string> warnings;
    warnings.reserve(others.size());
    for (const auto& [installation, n] : others)
        warnings.push_back(fmt::format(
            "installation {} made {} of these batches on this target, and this is installation {}: adopt "
            "them "
            "if the ledger of {} is lost; if another enrichd still works with it on this target, the two buy "
            "the same rows twice: stop one of them",
            installation, n, ours, installation));
    return warnings;
}

} // namespace

// A twin is its job's: adopted, it would be booked twice. It may not be found yet, and is known by the job
// that its submission names: one that has another batch, and did not end without its answers.
std::optional<std::int64_t> adopter::sibling_of(const unknown_batch& b) {
    if (const auto twin = ledger_.twins().find(b.batch.id)) return twin->job_id;
    const auto job = job_of_submission(ledger_, b.label.submission);
    if (!job) return std::nullopt;
    const bool has_another = job->batch_id && *job->batch_id != b.batch.id;
    return has_another && !job::ended_without_answers(job->state) ? std::optional(job->id) : std::nullopt;
}

// One that ended without a batch's answers: this one's are all that was bought for it.
std::optional<std::int64_t> adopter::job_without_answers(const unknown_batch& b) {
    const auto job = job_of_submission(ledger_, b.label.submission);
    if (!job || job->wishes.cancel == job::cancel_reason::abandon) return std::nullopt;
    return job::ended_without_answers(job->state) ? std::optional(job->id) : std::nullopt;
}

// One that was built, and not submitted as far as the ledger knows. A run that is not built yet begins its
// jobs again, and its batches are for a person to adopt.
std::optional<std::int64_t> adopter::job_to_take(const unknown_batch& b) {
    if (did_nothing(b.batch)) return std::nullopt;
    const auto job = job_of_submission(ledger_, b.label.submission);
    const job::event::any found = job::event::batch_found{};
    if (!job || !job::is_legal(job->state, found)) return std::nullopt;
    if (job->batch_id == b.batch.id || ledger_.twins().find(b.batch.id)) return std::nullopt;
    if (ledger_.runs().find(job->plan.run_id)->state != run::state::open) return std::nullopt;
    return job->id;
}

// One that goes by an earlier try, as an old copy of the ledger may have it. There would be no later one if
// that had not failed, so that its end is near, and then the later one is the job's.
std::optional<std::int64_t> adopter::job_to_wait_for(const unknown_batch& b) {
    if (did_nothing(b.batch)) return std::nullopt;
    const auto job = job_of_submission(ledger_, b.label.submission);
    const job::event::any found = job::event::batch_found{};
    if (!job || job::has_ended(job->state) || job::is_legal(job->state, found)) return std::nullopt;
    return is_later_try(*job, b.label.submission) ? std::optional(job->id) : std::nullopt;
}

// Empty: it was made for the version that is configured now.
std::string adopter::other_version(const batch_label& label, const recipe& now) {
    if (label.version == metadata_value(now.version)) return {};
    const auto needed = now.kind == kind::summaries ? "with that model in a models file"
                                                    : "with the model, dimensions and chunks of that time";
    return fmt::format(
        "it was made for version {}, and the configuration makes {}: {} it can be adopted; where "
        "its files are gone, adopting it by its id books what it cost",
        label.version, now.version, needed);
}

// A text's hash and the version make a summary's custom_id: its answer is taken in whatever prompt is
// configured now. Absent: of another kind, or its model, and so its price, is not known.
std::optional<recipe> adopter::summaries_of_version(const batch_label& label, recipe now,
                                                    const build_settings& with) {
    const auto then = model_of_version(label, now.kind, with);
    if (!then || now.kind != kind::summaries) return std::nullopt;
    now.model = *then;
    now.version = label.version;
    return now;
}

// The one that a version begins with, if it is known still: what it cost is not known otherwise.
std::optional<model> adopter::model_of_version(const batch_label& label, kind k, const build_settings& with) {
    const auto dash = label.version.rfind('-');
    if (dash == std::string::npos) return std::nullopt;
    auto found = with.models->find(label.version.substr(0, dash), k);
    return found ? std::optional(std::move(*found)) : std::nullopt;
}

// Read once for all batches of a list: there may be thousands of each.
adopter::doubts adopter::submissions_in_doubt() {
    doubts found;
    for (const auto& job : ledger_.jobs().list(true, std::numeric_limits<std::int64_t>::max()))
        if (auto submission = submission_in_doubt(job.state); !submission.empty())
            found.emplace(std::move(submission), job.id);
    return found;
}

std::string adopter::obstacle(const unknown_batch& b, const std::string& identity, const result<recipe>& r,
                              const doubts& in_doubt) {
    const auto& label = b.label;
    if (const auto seeker = in_doubt.find(label.submission); seeker != in_doubt.end())
        return fmt::format("job {} looks for it itself", job_name(seeker->second));
    if (const auto id = job_to_take(b))
        return fmt::format("it is of job {}, which takes it up at the next start of enrichd", job_name(*id));
    if (const auto id = job_to_wait_for(b))
        return fmt::format("it is of job {}, which takes it up once its earlier batch has failed",
                           job_name(*id));
    if (auto why = why_empty(b.batch, clock_.now_ms()); !why.empty()) return why;
    if (const auto id = sibling_of(b))
        return fmt::format(
            "it is a second batch of job {}: enrichd stops it, and books what it did, by itself",
            job_name(*id));
    if (const auto job = job_of_submission(ledger_, label.submission);
        job && job->wishes.cancel == job::cancel_reason::abandon)
        return fmt::format("it is of job {}, which was given up", job_name(job->id));
    if (!label.kind) return "its metadata names no kind that this version knows";
    if (label.target != target_mark(identity))
        return fmt::format("it was made for another target ({}; {} is {})",
                           label.target.empty() ? "not named" : label.target, identity,
                           target_mark(identity));
    if (!r) return r.error().detail;
    return other_version(label, *r);
}

bool adopter::is_beyond_hope(const unknown_batch& b) const {
    return !why_empty(b.batch, clock_.now_ms()).empty() && !may_name_files(b.batch, clock_.now_ms());
}

// Nothing but its files is missing, and they may be named.
bool adopter::is_late(const unknown_batch& b, const std::string& identity) {
    return !b.obstacle.empty() && b.obstacle == why_empty(b.batch, clock_.now_ms()) && !is_beyond_hope(b) &&
           b.label.target == target_mark(identity) && !sibling_of(b);
}

// Nothing is to be had of it any more: nobody has to say what becomes of it.
void adopter::forget(const std::string& batch_id) {
    if (!ledger_.unknown().find(batch_id)) return;
    auto all_or_nothing = ledger_.begin();
    ledger_.unknown().drop(batch_id);
    release_held(ledger_, clock_.now_ms());
    all_or_nothing.commit();
}

boost::asio::awaitable<result<std::vector<unknown_batch>>> adopter::read_list(std::int64_t since_ms) {
    auto batches = co_await list_batches(client_, since_ms);
    if (!batches) co_return batches.error();
    std::vector<unknown_batch> found;
    for (auto& b : *batches)
        if (const auto label = read_label(b.metadata)) {
            unknown_batch one;
            one.batch = std::move(b);
            one.label = *label;
            found.push_back(std::move(one));
        }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return a.batch.created_at > b.batch.created_at; });
    co_return found;
}

boost::asio::awaitable<result<unknown_batches>> adopter::list(build_settings with, std::int64_t since_ms) {
    auto found = co_await read_list(since_ms);
    if (!found) co_return found.error();
    const auto identity = with.database->identity();
    std::map<kind, result<recipe>> recipes;
    for (auto& b : *found) {
        const auto k = b.label.kind.value_or(kind::summaries);
        if (!recipes.contains(k)) {
            auto r = co_await recipe_for(k, with);
            recipes.emplace(k, std::move(r));
        }
    }
    // Jobs go on while the list is read, and the target is asked.
    std::erase_if(*found,
                  [this](const auto& b) { return ledger_.jobs().find_batch(b.batch.id).has_value(); });
    const auto in_doubt = submissions_in_doubt();
    for (auto& b : *found) {
        const auto& r = recipes.at(b.label.kind.value_or(kind::summaries));
        b.obstacle = obstacle(b, identity, r, in_doubt);
        const bool is_bill = is_bill_alone(b.batch, clock_.now_ms());
        const bool is_other = r && !b.obstacle.empty() && b.obstacle == other_version(b.label, *r);
        if (is_other && (summaries_of_version(b.label, *r, with) ||
                         (is_bill && model_of_version(b.label, r->kind, with)))) // no row is asked for that
            b.obstacle.clear();
        b.is_bill = b.obstacle.empty() && is_bill;
        b.own_job = job_to_take(b);
        if (!did_nothing(b.batch) && !ledger_.twins().find(b.batch.id)) b.twin_of = sibling_of(b);
        b.is_next_try = job_to_wait_for(b).has_value();
        if (!b.own_job && b.obstacle.empty()) b.own_job = job_without_answers(b);
        const bool of_target = !r && b.obstacle == r.error().detail;
        b.is_unsure = of_target && r.error().code == errc::target_unavailable;
        b.may_come = (of_target && !b.is_unsure) || is_late(b, identity) || (is_other && !b.obstacle.empty());
        if (is_beyond_hope(b)) forget(b.batch.id);
    }
    unknown_batches all;
    all.warnings = warnings_about(*found, ledger_.installation(), target_mark(identity));
    all.batches = std::move(*found);
    co_return all;
}

} // namespace enrichd
