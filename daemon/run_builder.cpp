// SPDX-License-Identifier: Apache-2.0
#include "daemon/run_builder.hpp"

#include "daemon/job_log.hpp"
#include "daemon/on_pool.hpp"
#include "daemon/quota_gate.hpp"
#include "daemon/request_files.hpp"
#include "daemon/row_survey.hpp"
#include "daemon/spending_limits.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace enrichd {

namespace {

constexpr std::uint64_t megabyte = 1'000'000;
constexpr std::int64_t progress_ms = 300; // how often a build tells the ledger how far it is

// A file is no larger than the provider's queue takes, as far as that is known.
file_limits limits_of(ledger& l, const config& c, const model& m) {
    const auto& b = c.batch;
    file_limits limits;
    if (const auto tokens = tokens_of_file(l, c.quota, m)) limits.input_tokens = *tokens;
    limits.requests = b.max_requests;
    limits.bytes = b.max_file_mb * megabyte;
    limits.reply_bytes = b.max_output_mb * megabyte;
    return limits;
}

std::string to_json(const refusal& why) {
    return nlohmann::json{{"code", why.code}, {"message", why.message}, {"hint", why.hint}}.dump();
}

// Counts into how many files the rows would go.
class counting_sink final : public row_sink {
public:
    counting_sink(ledger& l, const config& c) : ledger_(l), config_(c) {}

    boost::asio::awaitable<void> begin(const recipe& r) override {
        model_ = r.model;
        limits_ = limits_of(ledger_, config_, model_);
        files_ = 0;
        co_return;
    }
    boost::asio::awaitable<result<bool>> take(std::vector<prepared_row> rows, const run_summary&) override {
        for (const auto& row : rows) {
            if (row.identical) continue;
            if (files_ == 0 || !fits(file_, row.requests.lines, limits_)) {
                ++files_;
                file_ = {};
            }
            for (const auto& line : row.requests.lines)
                file_.add(line, model_);
        }
        co_return true;
    }
    boost::asio::awaitable<result<std::int64_t>> end() override { co_return files_; }

private:
    ledger& ledger_;
    const config& config_;
    file_limits limits_;
    model model_;
    file_totals file_;
    std::int64_t files_ = 0;
};

// Writes the rows as the jobs of a run. Above the limit it only counts: the run will be refused.
class writing_sink final : public row_sink {
public:
    struct parts {
        ledger& l;
        spool& s;
        const clock& c;
        boost::asio::any_io_executor pool;
        std::function<void()> tell;
    };
    writing_sink(parts p, run_row run, run_order order, build_settings with)
        : parts_(std::move(p)), run_(std::move(run)), order_(std::move(order)), with_(std::move(with)) {}

    boost::asio::awaitable<void> begin(const recipe& r) override {
        job_plan p;
        p.run_id = run_.id;
        p.kind = r.kind;
        p.target = with_.database->identity();
        p.model = r.model.name;
        p.version = r.version;
        p.refresh_legacy = order_.refresh_legacy;
        p.keep_versions = with_.settings->keep_versions;
        p.dimensions = r.dimensions;
        p.window = with_.settings->provider.completion_window;
        p.price = r.model.batch;
        files_ =
            std::make_unique<request_files>(parts_.l, parts_.s, parts_.pool, std::move(p), r.model,
                                            limits_of(parts_.l, *with_.settings, r.model), parts_.c.now_ms());
        co_return;
    }

    boost::asio::awaitable<result<bool>> take(std::vector<prepared_row> rows,
                                              const run_summary& so_far) override {
        if (so_far.bound() <= run_.limit)
            if (const auto added = co_await files_->add(std::move(rows)); !added) co_return added.error();
        const auto now = parts_.c.now_ms();
        if (now - told_ms_ >= progress_ms) {
            parts_.l.runs().set_summary(run_.id, to_json(so_far), now);
            told_ms_ = now;
            parts_.tell();
        }
        co_return !parts_.l.runs().find(run_.id)->cancel_wanted;
    }

    boost::asio::awaitable<result<std::int64_t>> end() override { co_return co_await files_->finish(); }

private:
    parts parts_;
    run_row run_;
    run_order order_;
    build_settings with_;
    std::unique_ptr<request_files> files_;
    std::int64_t told_ms_ = 0;
};

refusal over_budget(const run_summary& s, money limit, const run_order& order) {
    const auto fitting = s.would_fit.value_or(0);
    const auto advice =
        fitting > 0 ? fmt::format("--limit {} would fit", fitting) : "not even one row would fit";
    const auto message = fmt::format(
        "the projection of {} is {} over the budget of {} (profile {}); nothing was written or sent; {}",
        display_dollars(s.bound()), display_dollars(s.bound() - limit), display_dollars(limit), order.profile,
        advice);
    const auto variable = order.budget              ? "--budget"
                          : order.profile == "test" ? "ENRICH_MAX_USD_TEST"
                                                    : "ENRICH_MAX_USD_FULL";
    const auto hint = fitting > 0 ? fmt::format("use --limit {}, or raise {}", fitting, variable)
                                  : fmt::format("raise {}", variable);
    return {"over_budget", message, hint};
}

// What trying again by itself cannot mend: the run is refused, and says why.
std::optional<refusal> final_refusal(const error& e) {
    if (e.code == errc::target_blocked) return refusal{"target_blocked", e.detail, ""};
    if (e.code == errc::invalid_input) return refusal{"invalid_input", e.detail, ""};
    return std::nullopt;
}

} // namespace

money limit_of(const run_order& order, const budget_config& budget) {
    const auto profile = order.profile == "test" ? budget.test : budget.full;
    return order.budget ? std::min(*order.budget, profile) : profile;
}

run_builder::run_builder(ledger& l, spool& s, const clock& c, boost::asio::any_io_executor pool)
    : ledger_(l), spool_(s), clock_(c), pool_(std::move(pool)) {}

boost::asio::awaitable<result<run_summary>> run_builder::plan(run_order order, build_settings with) {
    counting_sink sink(ledger_, *with.settings);
    co_return co_await survey(order, with, ledger_, pool_, sink);
}

boost::asio::awaitable<result<void>> run_builder::build(std::int64_t run_id, build_settings with) {
    const auto run = co_await begin_again(run_id);
    if (!run) co_return run.error();
    const auto order = read_order(run->order_json);
    if (!order) co_return order.error();
    const refusal by_user;
    if (run->cancel_wanted) co_return co_await refuse(*run, run::state::cancelled, by_user);

    writing_sink sink({ledger_, spool_, clock_, pool_, tell_}, *run, *order, with);
    const auto summary = co_await survey(*order, with, ledger_, pool_, sink);
    if (!summary) {
        const auto why = final_refusal(summary.error());
        if (!why) co_return summary.error();
        co_return co_await refuse(*run, run::state::refused, *why);
    }
    ledger_.runs().set_summary(run_id, to_json(*summary), clock_.now_ms());
    if (ledger_.runs().find(run_id)->cancel_wanted)
        co_return co_await refuse(*run, run::state::cancelled, by_user);
    if (summary->bound() > run->limit) {
        const auto why = over_budget(*summary, run->limit, *order);
        co_return co_await refuse(*run, run::state::refused, why);
    }
    // Nothing waits between this look at the limits and the commit that reserves.
    const auto over = run->until == job::goal::built ? std::nullopt
                                                     : why_not_reserve(ledger_, with.settings->budget,
                                                                       summary->bounds(), clock_.now_ms());
    if (over) {
        const refusal why{"over_budget", over->detail + "; nothing was sent",
                          "wait until then, use --limit N, or raise it and: systemctl reload enrichd"};
        co_return co_await refuse(*run, run::state::refused, why);
    }
    co_return open(*run);
}

boost::asio::awaitable<result<run_row>> run_builder::begin_again(std::int64_t run_id) {
    const auto before = ledger_.runs().find(run_id);
    if (!before) co_return error{errc::not_found, fmt::format("there is no run {}", run_name(run_id))};
    const auto now = clock_.now_ms();
    {
        auto from_scratch = ledger_.begin();
        ledger_.jobs().remove_of_run(run_id);
        // What kept the last try from its end still counts, so that tries grow apart until one succeeds.
        auto still = before->waiting;
        still.due_ms = now;
        const auto begun =
            ledger_.runs().record(*before, run::state::building, run::event::build_begun, "", still, now);
        if (!begun) co_return begun.error();
        from_scratch.commit();
    }
    const auto prefix = request_file_prefix(run_id);
    co_await on_pool(pool_, [&] { spool_.remove_request_files(prefix); });
    co_return *ledger_.runs().find(run_id);
}

result<void> run_builder::open(const run_row& run) {
    const auto now = clock_.now_ms();
    // A run without jobs has nothing to wait for: its next turn writes the report.
    const auto jobs = ledger_.jobs().of_run(run.id);
    const auto due = jobs.empty() ? std::optional(now) : std::nullopt;
    {
        auto all_at_once = ledger_.begin();
        if (const auto opened =
                ledger_.runs().record(run, run::state::open, run::event::built, "", {due, 0, ""}, now);
            !opened)
            return opened.error();
        ledger_.jobs().start_run(run.id, run.until, now);
        all_at_once.commit();
    }
    for (const auto& job : jobs)
        log_built(job);
    log_run(log::level::info, run.id,
            fmt::format("built, {} {}", jobs.size(), jobs.size() == 1 ? "job" : "jobs"));
    return {};
}

boost::asio::awaitable<result<void>> run_builder::refuse(run_row run, run::state end, refusal why) {
    const auto detail = end == run::state::refused ? to_json(why) : std::string();
    {
        auto nothing_stays = ledger_.begin();
        ledger_.jobs().remove_of_run(run.id);
        const auto e = end == run::state::refused ? run::event::refused : run::event::cancel_wanted;
        if (const auto ended = ledger_.runs().record(run, end, e, detail, {}, clock_.now_ms()); !ended)
            co_return ended.error();
        nothing_stays.commit();
    }
    const auto prefix = request_file_prefix(run.id);
    co_await on_pool(pool_, [&] { spool_.remove_request_files(prefix); });
    log_run(log::level::warning, run.id,
            why.message.empty() ? std::string(name(end)) : fmt::format("{}: {}", name(end), why.message));
    co_return result<void>{};
}

} // namespace enrichd
