// SPDX-License-Identifier: Apache-2.0
#include "daemon/run_driver.hpp"

#include "core/schedule.hpp"
#include "daemon/job_log.hpp"
#include "daemon/purchase_gate.hpp"

namespace enrichd {

boost::asio::awaitable<void> run_driver::take_turn(std::int64_t run_id) {
    const auto run = parts_.l.runs().find(run_id);
    if (!run) co_return;
    result<void> taken;
    switch (run::next_effect(run->state)) {
    case run::effect::none: parts_.l.runs().postpone(run_id, {}, parts_.c.now_ms()); co_return;
    case run::effect::build: taken = co_await build(*run); break;
    case run::effect::settle: taken = co_await settle(*run); break;
    }
    if (!taken) postpone(run_id, taken.error());
}

boost::asio::awaitable<result<void>> run_driver::build(run_row run) {
    if (parts_.l.paused() && !run.cancel_wanted) {
        parts_.l.runs().postpone(run.id, {std::nullopt, 0, "paused"}, parts_.c.now_ms());
        co_return result<void>{};
    }
    if (const auto why = why_not_build(parts_.l); why && !run.cancel_wanted) {
        hold_at_gate(run, *why);
        co_return result<void>{};
    }
    co_return co_await parts_.builder.build(run.id, parts_.settings());
}

// What it had built before is begun again anyway, and its rows may be those of a batch that is adopted.
void run_driver::hold_at_gate(const run_row& run, const error& why) {
    auto all_or_nothing = parts_.l.begin();
    parts_.l.jobs().remove_of_run(run.id);
    parts_.l.runs().postpone(run.id, {std::nullopt, 0, why.detail, why.code}, parts_.c.now_ms());
    all_or_nothing.commit();
    if (run.waiting.reason != why.detail) log_run(log::level::warning, run.id, why.detail);
}

boost::asio::awaitable<result<void>> run_driver::settle(run_row run) {
    if (const auto with = parts_.settings(); with.settings) parts_.settler.set_budget(with.settings->budget);
    const auto all_ended = co_await parts_.settler.settle(run.id);
    if (!all_ended) co_return all_ended.error();
    const auto now = parts_.c.now_ms();
    if (!*all_ended) { // the end of the next job makes it due again
        parts_.l.runs().postpone(run.id, {}, now);
        co_return result<void>{};
    }
    // The report first: a crash in between writes it again, and a run that has ended always has one. It names
    // the end and the money: a cancel or a twin that came while it was written has it written again.
    for (bool told = false; !told;) {
        run = *parts_.l.runs().find(run.id);
        const auto twins = parts_.l.twins().of_run(run.id);
        if (const auto written = co_await parts_.write_report(run.id); !written) co_return written.error();
        told = run.cancel_wanted == parts_.l.runs().find(run.id)->cancel_wanted &&
               twins == parts_.l.twins().of_run(run.id);
    }
    const auto end = run.cancel_wanted ? run::state::cancelled : run::state::done;
    const auto e = run.cancel_wanted ? run::event::cancel_finished : run::event::finished;
    auto recorded = parts_.l.runs().record(run, end, e, "", {}, parts_.c.now_ms());
    if (recorded) log_run(log::level::info, run.id, name(end));
    co_return recorded;
}

void run_driver::postpone(std::int64_t run_id, const error& why) {
    const auto run = parts_.l.runs().find(run_id);
    const auto now = parts_.c.now_ms();
    const auto failures = run->waiting.failures + 1;
    const auto wait = backoff(failures, why.retry_after, parts_.random());
    parts_.l.runs().postpone(run_id, {now + wait.count(), failures, why.detail, why.code}, now);
    if (parts_.failed) parts_.failed(why);
    if (run->waiting.reason != why.detail) log_run(log::level::warning, run_id, why.detail);
}

} // namespace enrichd
