// SPDX-License-Identifier: Apache-2.0
#include "daemon/live_effects.hpp"

#include "core/batch_label.hpp"
#include "core/overloaded.hpp"
#include "core/quota_message.hpp"
#include "daemon/batch_search.hpp"
#include "daemon/log.hpp"
#include "daemon/on_pool.hpp"
#include "daemon/request_files.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace enrichd {

namespace {

// How often a batch is asked for with a file that the provider says it does not have, before the file counts
// as gone and is uploaded again: some two minutes.
constexpr std::int64_t looks_for_file = 8;

effect_outcome done(job::event::any event, std::string detail = {}) {
    return effect_done{std::move(event), std::move(detail), std::nullopt};
}

// Straight after an upload the provider may not know the file yet (eventual consistency): ask again later.
bool is_file_not_visible(const error& e, const std::string& file_id) {
    return e.detail.find("Cannot find file") != std::string::npos &&
           e.detail.find(file_id) != std::string::npos;
}

batch_label label_of(const ledger& l, const job_row& job, const std::string& submission) {
    const auto& p = job.plan;
    return {submission,    l.installation(),      job_name(job.id), p.kind,         p.version,
            p.file_sha256, target_mark(p.target), p.refresh_legacy, p.keep_versions};
}

std::string timeout_note_name(std::string_view batch_id) {
    return fmt::format("batch_{}_timeout.txt", safe_file_name(batch_id));
}

// For effects that the driver never asks for: it waits instead.
boost::asio::awaitable<effect_outcome> nothing() {
    co_return postponed({errc::internal, "there is nothing to do"});
}

} // namespace

live_effects::live_effects(ledger& l, spool& s, const clock& c, boost::asio::any_io_executor pool)
    : ledger_(l), spool_(s), clock_(c), pool_(std::move(pool)), results_(s, pool_), merger_(l, s, pool_) {}

void live_effects::set_world(std::shared_ptr<provider::client> client,
                             std::shared_ptr<target::database> database) {
    client_ = std::move(client);
    target_ = std::move(database);
}

boost::asio::awaitable<effect_outcome> live_effects::perform(job::effect::any what, job_row job) {
    namespace effect = job::effect;
    return std::visit(overloaded{
                          [&](effect::none&) { return nothing(); },
                          [&](effect::wait_for_user&) { return nothing(); },
                          [&](effect::upload&) { return upload(std::move(job)); },
                          [&](effect::find_file& e) { return find_file(std::move(e), std::move(job)); },
                          [&](effect::create_batch& e) { return create_batch(std::move(e), std::move(job)); },
                          [&](effect::find_batch& e) { return find_batch(std::move(e)); },
                          [&](effect::poll& e) { return poll(std::move(e)); },
                          [&](effect::cancel_batch& e) { return cancel_batch(std::move(e), std::move(job)); },
                          [&](effect::fetch& e) {
                              return results_.fetch(client_, std::move(e), std::move(job),
                                                    merger_.slice_lines());
                          },
                          [&](effect::merge& e) { return merge(std::move(e), std::move(job)); },
                      },
                      what);
}

boost::asio::awaitable<effect_outcome> live_effects::upload(job_row job) {
    const auto path = spool_.request_file(job.plan.file_name);
    const auto client = client_;
    const auto sha = co_await on_pool(pool_, [&path] { return hash_file(path); });
    if (!sha && std::filesystem::exists(path)) co_return postponed(sha.error());
    if (!sha || *sha != job.plan.file_sha256)
        co_return done(job::event::file_refused{fault_of_request_file(path, job.plan)});

    const auto& submission = std::get<job::intent_upload>(job.state).submission;
    const auto file = co_await client->upload(path, submission + ".jsonl");
    if (file) co_return done(job::event::file_uploaded{file->id}, file->id);
    if (file.error().code == errc::provider_rejected)
        co_return done(job::event::file_refused{file.error().detail});
    co_return postponed(file.error()); // the next turn looks for the file before it uploads again
}

boost::asio::awaitable<effect_outcome> live_effects::find_file(job::effect::find_file what, job_row job) {
    const auto client = client_;
    const auto files = co_await client->find_files(what.submission + ".jsonl", job.plan.totals.bytes);
    if (!files) co_return postponed(files.error());
    if (files->empty()) co_return done(job::event::file_not_found{});
    co_return done(job::event::file_uploaded{files->front().id}, files->front().id);
}

boost::asio::awaitable<effect_outcome> live_effects::create_batch(job::effect::create_batch what,
                                                                  job_row job) {
    const auto client = client_;
    const auto submission = std::get<job::intent_submit>(job.state).submission;
    if (job.waiting.failures > 0) {
        auto earlier = co_await find_refused(std::get<job::intent_submit>(job.state));
        if (earlier) co_return std::move(*earlier);
    }
    // A named object: g++ 12 destroys a braced one within a co_await expression twice
    // (https://gcc.gnu.org/bugzilla/show_bug.cgi?id=104031).
    provider::batch_order order{what.file_id, std::string(endpoint(job.plan.kind)), job.plan.window,
                                to_metadata(label_of(ledger_, job, submission))};
    const auto batch = co_await client->create_batch(std::move(order));
    if (batch) co_return done(job::event::batch_created{batch->id, batch->created_at}, batch->id);
    auto e = batch.error();
    if (is_file_not_visible(e, what.file_id)) {
        e.sign = "not visible " + what.file_id;
        if (job.waiting.times_seen(e.sign) >= looks_for_file)
            co_return done(job::event::file_not_found{}, e.detail);
        co_return done(job::event::batch_postponed{e}, e.detail);
    }
    const bool full = e.code == errc::provider_rejected && says_queue_is_full(e.detail);
    if (e.code == errc::provider_busy || e.code == errc::provider_unauthorized || full)
        co_return done(job::event::batch_postponed{e}, e.detail);
    if (e.code == errc::provider_rejected) co_return done(job::event::batch_refused{e.detail});
    co_return done(job::event::batch_unclear{e.detail}, e.detail);
}

// A refusal says that no batch was made, and is checked all the same before the next try: what stands between
// may refuse what it has passed on. Absent: there is none, or no list to find it in.
boost::asio::awaitable<std::optional<effect_outcome>> live_effects::find_refused(job::intent_submit what) {
    job::effect::find_batch search{what.submission, what.file_id, what.since_ms, 0};
    auto found = co_await find_batch(std::move(search));
    if (const auto* done = std::get_if<effect_done>(&found)) {
        const bool none = std::holds_alternative<job::event::batch_not_found>(done->event);
        co_return none ? std::nullopt : std::optional(std::move(found));
    }
    const auto& why = std::get<effect_postponed>(found).why;
    if (why.code == errc::provider_rejected) co_return std::nullopt;
    co_return done(job::event::batch_postponed{why}, why.detail);
}

boost::asio::awaitable<effect_outcome> live_effects::find_batch(job::effect::find_batch what) {
    const auto client = client_;
    batch_search search{what.submission, what.file_id, what.since_ms};
    auto found = co_await find_batches(client, std::move(search));
    if (!found) co_return postponed(found.error());
    std::erase_if(*found, [this](const auto& b) { return ledger_.jobs().find_batch(b.id).has_value(); });
    if (found->empty()) {
        const auto looks = static_cast<std::size_t>(what.looks) + 1;
        co_return done(job::event::batch_not_found{looks >= looks_});
    }
    const auto& first = found->front();
    effect_done adopted{job::event::batch_created{first.id, first.created_at},
                        first.id + ", found in the provider's list", std::nullopt};
    for (std::size_t i = 1; i < found->size(); ++i) {
        auto other = (*found)[i];
        if (did_nothing(other)) continue;
        auto stopped = co_await stop_batch(client, std::move(other));
        if (!stopped) co_return postponed(stopped.error()); // looked for again: a twin is never left running
        adopted.detail += fmt::format("; {} is its twin, and is cancelled", stopped->id);
        adopted.twins.push_back(std::move(*stopped));
    }
    co_return effect_outcome(std::move(adopted));
}

boost::asio::awaitable<effect_outcome> live_effects::poll(job::effect::poll what) {
    const auto client = client_;
    const auto batch = co_await client->get_batch(what.batch_id);
    if (!batch) co_return postponed(batch.error());
    co_return done(job::event::batch_seen{*batch}, std::string(name(batch->status)));
}

boost::asio::awaitable<effect_outcome> live_effects::cancel_batch(job::effect::cancel_batch what,
                                                                  job_row job) {
    const auto client = client_;
    if (job.wishes.cancel == job::cancel_reason::deadline) co_await write_timeout_note(what.batch_id, job);
    const auto asked = co_await ask_to_cancel(client, what.batch_id);
    if (!asked) co_return postponed(asked.error());
    if (!asked->refused) co_return done(job::event::cancel_sent{asked->batch});
    if (!has_ended(asked->batch.status)) co_return postponed(*asked->refused);
    co_return done(job::event::batch_seen{asked->batch}); // there is nothing left to cancel
}

boost::asio::awaitable<effect_outcome> live_effects::merge(job::effect::merge what, job_row job) {
    const auto into = target_;
    const auto whole = co_await results_.keep_whole(client_, what, job);
    if (!whole && whole.error().code == errc::not_found)
        co_return done(job::event::results_gone{}, whole.error().detail);
    if (!whole) co_return postponed(whole.error());
    co_return co_await merger_.merge(std::move(what), std::move(job), into);
}

boost::asio::awaitable<void> live_effects::write_timeout_note(std::string batch_id, job_row job) {
    const auto now = clock_.now_ms() / 1000;
    const auto text = fmt::format(
        "Batch {} (job {}, {}) had not ended at its deadline.\n"
        "Noted at:  {:%Y-%m-%dT%H:%M:%SZ}\n"
        "It is cancelled now; what it did until then is fetched and merged. Requests that it\n"
        "did not do end as \"cancelled\", and the next run takes them.\n",
        batch_id, job_name(job.id), name(job.plan.kind), fmt::gmtime(static_cast<std::time_t>(now)));
    const auto run = ledger_.runs().find(job.plan.run_id);
    const auto write = [this, folder = report_folder(run->created_ms, run_name(run->id)),
                        file = timeout_note_name(batch_id), text]() -> result<void> {
        const auto made = spool_.open_report_folder(folder);
        if (!made) return made.error();
        return write_whole(*made / file, text);
    };
    const auto written = co_await on_pool(pool_, write);
    if (!written) log::warning(written.error().detail);
}

} // namespace enrichd
