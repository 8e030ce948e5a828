// One job and its driver, with effects that answer as a test wrote down.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/job_driver.hpp"
#include "daemon/submission_name.hpp"
#include "tests/support/await.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/ledger_fixture.hpp"
#include "tests/support/manual_clock.hpp"

#include <boost/asio/io_context.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace enrichd::test {

inline constexpr std::int64_t hour = 3'600'000;

// The machine died in the middle of an effect.
struct died {};

// Answers effects in the order that the test wrote down, and notes what was asked for.
struct scripted_effects final : effects {
    std::deque<effect_outcome> answers;
    std::vector<std::string> asked;
    std::vector<job_row> rows;               ///< as the effects got them
    std::function<void()> meanwhile = [] {}; ///< what others do while an effect goes on

    boost::asio::awaitable<effect_outcome> perform(job::effect::any what, job_row row) override {
        asked.emplace_back(job::effect::name(what));
        rows.push_back(row);
        meanwhile();
        if (answers.empty()) throw died{};
        auto next = std::move(answers.front());
        answers.pop_front();
        co_return next;
    }

    void then(job::event::any e, std::string detail = {}) {
        answers.push_back(effect_done{std::move(e), std::move(detail), {}});
    }
    void then_postpone(std::string why, errc code = errc::provider_busy) {
        answers.push_back(effect_postponed{{code, std::move(why)}});
    }
};

inline batch_object batch(batch_status status) {
    batch_object b;
    b.id = "batch_1";
    b.status = status;
    b.created_at = noon / 1000;
    return b;
}

struct driver_fixture : ledger_fixture {
    boost::asio::io_context loop;
    manual_clock now{noon};
    scripted_effects world;
    std::unique_ptr<job_driver> driver = make();
    std::int64_t id = add_job(add_open_run());

    std::unique_ptr<job_driver> make() {
        auto d = std::make_unique<job_driver>(*l, world, now, [] { return 0.5; });
        d->set_rules(
            {{milliseconds(5000), milliseconds(60'000)}, {10, 30, 120, 600}, std::chrono::hours(26)});
        return d;
    }
    // kill -9, and a new daemon on the same file.
    void restart() {
        driver.reset();
        reopen();
        driver = make();
    }
    void turn() {
        enrichd::tests::await(loop, [](job_driver& d, std::int64_t job) -> boost::asio::awaitable<bool> {
            co_await d.take_turn(job);
            co_return true;
        }(*driver, id));
    }
    // A turn that dies in its effect.
    void turn_that_dies() { CHECK_THROWS_AS(turn(), died); }

    std::string state() { return std::string(job::name(job(id).state)); }
    void wish(job::goal until, job::cancel_reason cancel) {
        l->jobs().wish(job(id), {until, cancel}, "test", now.now);
    }
    std::optional<std::int64_t> wait_ms() {
        const auto due = job(id).waiting.due_ms;
        return due ? std::optional(*due - now.now) : std::nullopt;
    }
    job::polling running() const {
        auto p = std::get<job::polling>(one_of_each_state()[6]);
        p.cancel_sent = false;
        return p;
    }
};

} // namespace enrichd::test
