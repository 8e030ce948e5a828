// SPDX-License-Identifier: Apache-2.0
#include "daemon/adopter.hpp"

#include "daemon/adoption_record.hpp"
#include "daemon/batch_search.hpp"
#include "daemon/bill.hpp"
#include "daemon/on_pool.hpp"
#include "daemon/purchase_gate.hpp"
#include "daemon/row_survey.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace enrichd {

namespace {

// The API takes request files of up to 200 MB; others take a little more.
constexpr provider::download_limits request_file_limits{512ULL * 1000 * 1000};

// Of 50,000 vectors, as numbers, each of 3,072 dimensions and some 21 bytes a number.
constexpr provider::download_limits result_file_limits{4ULL * 1000 * 1000 * 1000};

bool is_not_found(const error& e) {
    return e.code == errc::provider_rejected && provider::answered(e, 404);
}

struct flag_guard {
    explicit flag_guard(bool& f) : flag(f) { flag = true; }
    ~flag_guard() { flag = false; }
    flag_guard(const flag_guard&) = delete;
    flag_guard& operator=(const flag_guard&) = delete;
    bool& flag;
};

} // namespace

adopter::adopter(ledger& l, spool& s, const clock& c, boost::asio::any_io_executor pool)
    : ledger_(l), spool_(s), clock_(c), pool_(std::move(pool)) {}

boost::asio::awaitable<result<adoption>> adopter::adopt(std::string batch_id, build_settings with) {
    if (busy_)
        co_return error{errc::unavailable, "another batch is being adopted; try again when it is done"};
    const flag_guard alone(busy_);
    co_return co_await adopt_alone(std::move(batch_id), std::move(with));
}

// Of what is not there any more nothing can be taken in: it stands in nobody's way.
void adopter::let_go(const std::string& batch_id, error& why) {
    const auto unknown = ledger_.unknown().find(batch_id);
    if (!unknown || unknown->let_go) return;
    auto all_or_nothing = ledger_.begin();
    ledger_.unknown().let_go(*unknown);
    release_held(ledger_, clock_.now_ms());
    all_or_nothing.commit();
    why.detail += "; it is let go";
}

std::optional<adoption> adopter::known(const std::string& batch_id) {
    const auto job = ledger_.jobs().find_batch(batch_id);
    if (!job) return std::nullopt;
    adoption a;
    a.job_id = job->id;
    a.was_known = true;
    a.only_booked = job->plan.totals.requests == 0;
    a.requests = static_cast<std::int64_t>(job->plan.totals.requests);
    a.rows = static_cast<std::int64_t>(job->plan.row_count);
    return a;
}

// Building claims rows piece by piece: a batch that took some of them in between would be in its way.
result<void> adopter::refuse_while_building() {
    const bool held = why_not_build(ledger_).has_value(); // a run that waits there has built nothing
    for (const auto& run : ledger_.runs().list_open()) {
        if (is_held_at_gate(run.waiting) || (held && run.state == run::state::requested)) continue;
        if (run.state == run::state::requested || run.state == run::state::building)
            return error{
                errc::unavailable,
                fmt::format("run {0} is being built, and may buy again what the batch has; nothing "
                            "was adopted. Wait until it is built, or cancel it: enrichctl cancel {0}",
                            run_name(run.id))};
    }
    return {};
}

boost::asio::awaitable<result<adoption>> adopter::adopt_alone(std::string batch_id, build_settings with) {
    if (auto before = known(batch_id)) co_return *before;
    if (const auto free = refuse_while_building(); !free) co_return free.error();
    const auto client = client_;
    auto batch = co_await client->get_batch(batch_id);
    if (!batch && is_not_found(batch.error()))
        co_return error{errc::not_found,
                        fmt::format("the provider has no batch {}: {}", batch_id, batch.error().detail)};
    if (!batch) co_return batch.error();
    const auto label = read_label(batch->metadata);
    if (!label)
        co_return error{errc::state_conflict,
                        fmt::format("batch {} was not made by enrichd: its metadata does not say so; it is "
                                    "left alone",
                                    batch_id)};
    const auto r = co_await recipe_for(label->kind.value_or(kind::summaries), with);
    unknown_batch candidate;
    candidate.batch = *batch;
    candidate.label = *label;
    candidate.is_bill = is_bill_alone(*batch, clock_.now_ms());
    auto why_not = obstacle(candidate, with.database->identity(), r, submissions_in_doubt());
    auto of_then = r && !why_not.empty() && why_not == other_version(*label, *r)
                       ? summaries_of_version(*label, *r, with)
                       : std::nullopt;
    if (of_then)
        why_not.clear();
    else if (!why_not.empty() && r && why_not == other_version(*label, *r))
        co_return co_await adopt_other_version(std::move(candidate), *r, std::move(with));
    if (!why_not.empty()) {
        if (is_beyond_hope(candidate)) forget(batch_id);
        const bool is_database = !r && r.error().detail == why_not;
        co_return error{is_database ? r.error().code : errc::state_conflict,
                        is_database ? why_not : fmt::format("batch {}: {}", batch_id, why_not)};
    }

    const bool is_of_now = !of_then;
    adoptable what{
        *batch, *label, of_then.value_or(*r), false, {}, {}, with.settings->provider.completion_window, {}};
    if (!is_of_now) what.label.keep_versions = true; // what came since then is newer
    what.before = ledger_.flights().mark(with.database->identity(), r->kind);
    if (candidate.is_bill) {
        error nameless{errc::not_found, fmt::format("batch {} names no file of results", batch_id)};
        co_return book(candidate, std::move(what), std::move(nameless));
    }
    auto sent = co_await download_lines(*batch, *label);
    if (!sent && sent.error().code == errc::not_found)
        co_return book(candidate, std::move(what), sent.error());
    if (!sent) co_return sent.error();
    what.from_answers = sent->file.empty();
    what.before = ledger_.flights().mark(with.database->identity(), r->kind);
    auto matched = co_await match(what.made_with, what.label, std::move(*sent), is_of_now, with);
    if (!matched) co_return matched.error();
    what.matched = std::move(*matched);
    // It was bought already, within the budget of its time. What was asked is not known by answers alone.
    what.limit = what.matched.totals.bound;
    if (what.from_answers) what.limit = std::max(what.limit, with.settings->budget.full);

    // From here on nothing waits: what the ledger says is so until the commit.
    if (const auto free = refuse_while_building(); !free) co_return free.error();
    if (auto meanwhile = known(batch_id)) co_return *meanwhile; // a look gave it to its job
    co_return record_adoption(ledger_, what, clock_.now_ms());
}

// Vectors of other dimensions or chunks fit nothing that is there now. Where nothing is left but the bill,
// none have to be.
boost::asio::awaitable<result<adoption>> adopter::adopt_other_version(unknown_batch b, recipe made_with,
                                                                      build_settings with) {
    const auto id = b.batch.id;
    const error stays{errc::state_conflict,
                      fmt::format("batch {}: {}", id, other_version(b.label, made_with))};
    const auto then = model_of_version(b.label, made_with.kind, with);
    if (!has_ended(b.batch.status) || !then) co_return stays;
    made_with.model = *then;
    made_with.version = b.label.version;
    adoptable what{b.batch, b.label, made_with, false, {}, {}, with.settings->provider.completion_window, {}};
    what.before = ledger_.flights().mark(with.database->identity(), made_with.kind);
    error gone{errc::not_found, fmt::format("batch {} names no file of results", id)};
    if (!b.is_bill) {
        const auto sent = co_await download_lines(b.batch, b.label);
        if (sent || sent.error().code != errc::not_found) {
            if (!known(id)) spool_.remove_files(adopted_file_name(id), id);
            if (sent || sent.error().code == errc::state_conflict) co_return stays;
            co_return sent.error();
        }
        gone = sent.error();
    }
    co_return book(b, std::move(what), std::move(gone));
}

// Its answers are gone, most likely merged before: what it cost belongs into the books all the same.
result<adoption> adopter::book(const unknown_batch& gone, adoptable what, error why) {
    const auto& b = gone.batch;
    // Others went on while its files were asked for: it may be somebody's by now. Nothing waits from here on.
    if (auto meanwhile = known(b.id)) return *meanwhile;
    if (const auto id = sibling_of(gone))
        return error{errc::state_conflict,
                     fmt::format("batch {} is a second batch of job {} by now", b.id, job_name(*id))};
    if (!b.usage || *b.usage == token_usage{}) {
        why.detail += b.completed == 0 ? "; no request of it was done"
                                       : "; what it cost is not known, as the provider tells no usage";
        let_go(b.id, why);
        return why;
    }
    spool_.remove_files(adopted_file_name(b.id), b.id); // whatever came of it is not all
    what.limit = cost(*b.usage, what.made_with.model.batch);
    return record_bill(ledger_, what, clock_.now_ms());
}

boost::asio::awaitable<result<sent_lines>> adopter::download_lines(batch_object batch, batch_label label) {
    const auto path = spool_.request_file(adopted_file_name(batch.id));
    const auto client = client_;
    const auto bytes = co_await client->download(batch.input_file_id, path, request_file_limits);
    if (!bytes && !provider::says_gone(bytes.error(), batch.input_file_id)) co_return bytes.error();
    if (!bytes) {
        error gone{errc::state_conflict, fmt::format("its request file {} is gone ({})", batch.input_file_id,
                                                     bytes.error().detail)};
        co_return co_await download_answers(std::move(batch), std::move(gone));
    }
    const auto read = [&path] { return read_sent_lines(path); };
    auto sent = co_await on_pool(pool_, read);
    if (!sent || sent->sha256 == label.sha256) co_return sent;
    error other{errc::state_conflict,
                fmt::format("its request file {} has another SHA-256 ({}) than when it was sent ({})",
                            batch.input_file_id, sent->sha256, label.sha256)};
    co_return co_await download_answers(std::move(batch), std::move(other));
}

// What was answered is worth as much as what was asked, once the batch has ended.
boost::asio::awaitable<result<sent_lines>> adopter::download_answers(batch_object batch, error why) {
    if (!has_ended(batch.status)) {
        why.code = errc::unavailable;
        why.detail = fmt::format("batch {}: {}; it can be adopted by its results once it has ended", batch.id,
                                 why.detail);
        co_return why;
    }
    // A connection may be cut where no length is told. What comes with the same length again and again is
    // all.
    constexpr int same_lengths = 4, most_fetches = 12;
    const auto counted = static_cast<std::size_t>(std::max<std::int64_t>(0, batch.completed + batch.failed));
    std::map<std::uint64_t, int> seen; // how often, by length
    std::size_t lines = 0;
    for (int n = 0; n < most_fetches; ++n) {
        auto got = co_await fetch_answers(batch);
        if (!got) co_return got.error();
        if (got->files.empty()) {
            why.code = errc::not_found;
            why.detail =
                fmt::format("batch {}: {}{}: its results were merged, and the files tidied, or they expired",
                            batch.id, why.detail, got->gone);
            co_return why;
        }
        lines = got->sent.lines.size();
        if (!got->gone.empty() || lines >= counted || ++seen[got->bytes] == same_lengths)
            co_return std::move(got->sent);
    }
    co_return error{errc::unavailable,
                    fmt::format("batch {}: its files of results come with another length each time, the last "
                                "time with {} lines, and the provider counts {} requests",
                                batch.id, lines, counted)};
}

boost::asio::awaitable<result<adopter::answers>> adopter::fetch_answers(batch_object batch) {
    const auto client = client_;
    answers got;
    // Named: what braces make in a loop's head does not outlive its first suspension, by g++ 12.
    const std::vector<std::pair<std::optional<std::string>, std::filesystem::path>> results = {
        {batch.output_file_id, spool_.results_file(batch.id)},
        {batch.error_file_id, spool_.errors_file(batch.id)}};
    for (const auto& [id, path] : results) {
        if (!id) continue;
        const auto bytes = co_await client->download(*id, path, result_file_limits);
        if (!bytes && provider::says_gone(bytes.error(), *id)) {
            got.gone += fmt::format(", and so is its file of results {} ({})", *id, bytes.error().detail);
            continue;
        }
        if (!bytes) co_return bytes.error();
        got.bytes += *bytes;
        got.files.push_back(path);
    }
    const auto read = [&got] { return read_answered_lines(got.files); };
    auto sent = co_await on_pool(pool_, read);
    if (!sent) co_return sent.error();
    got.sent = std::move(*sent);
    co_return got;
}

boost::asio::awaitable<result<matched_batch>> adopter::match(recipe r, batch_label label, sent_lines sent,
                                                             bool is_of_now, build_settings with) {
    target::selection all;
    all.want = {r.kind, r.model.name, r.version, label.refresh_legacy, label.keep_versions};
    batch_matcher matcher(std::move(r), std::move(sent), is_of_now);
    const auto stream = co_await with.database->read(std::move(all));
    if (!stream) co_return stream.error();
    for (;;) {
        const auto rows = co_await (*stream)->next();
        if (!rows) co_return rows.error();
        if (rows->empty()) break;
        const auto take = [&matcher, &rows] { matcher.take(*rows); };
        co_await on_pool(pool_, take);
    }
    const auto finish = [&matcher] { return matcher.finish(); };
    co_return co_await on_pool(pool_, finish);
}

} // namespace enrichd
