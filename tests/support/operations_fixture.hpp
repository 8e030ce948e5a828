// Operations on a ledger in a temporary folder: no network, no database, no daemon around them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/operations/live_operations.hpp"
#include "tests/support/await.hpp"
#include "tests/support/fake_provider.hpp"
#include "tests/support/fake_target.hpp"
#include "tests/support/ledger_fixture.hpp"
#include "tests/support/manual_clock.hpp"

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <set>

namespace enrichd::test {

struct operations_fixture : ledger_fixture {
    boost::asio::io_context loop;
    manual_clock now{noon + 1000};
    enrichd::spool files{folder.path()};
    change_signal changes{loop.get_executor()};
    run_builder builder{*l, files, now, loop.get_executor()};
    adopter adoptions{*l, files, now, loop.get_executor()};
    std::shared_ptr<config> settings = std::make_shared<config>();
    std::shared_ptr<fake_target> database = std::make_shared<fake_target>();
    std::shared_ptr<fake_provider> world = std::make_shared<fake_provider>();
    std::set<std::int64_t> in_turn;
    daemon_state state = daemon_state::running;
    int woken = 0;
    live_operations ops{parts()};

    operation_parts parts() {
        settings->state_directory = folder.path().string();
        const auto models = std::make_shared<const model_catalogue>(model_catalogue::built_in());
        return {*l,
                files,
                now,
                builder,
                adoptions,
                changes,
                [this, models] {
                    return build_settings{settings, models, database};
                },
                [this] { return world; },
                [this] { ++woken; },
                [this](std::int64_t id) { return in_turn.count(id) != 0; },
                [this] { return state; },
                loop.get_executor(),
                (folder / "ledger.db").string(),
                4711,
                noon - 5000,
                "/etc/enrichd/enrichd.toml"};
    }

    /// A job in this state, of an open run. What is on its way has a goal beyond built.
    std::int64_t add_job_in(const job::state& s, job::goal until) {
        const auto id =
            add_job(add_open_run(until == job::goal::built ? job::goal::built : job::goal::merged), until);
        if (!std::holds_alternative<job::built>(s)) put(id, s);
        if (job::has_ended(s)) l->requests().end_all(id, outcome::cancelled, "");
        return id;
    }

    template <class T>
    T wait(boost::asio::awaitable<T> a) {
        return enrichd::tests::await(loop, std::move(a));
    }
};

} // namespace enrichd::test
