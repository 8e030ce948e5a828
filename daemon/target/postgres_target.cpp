// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/postgres_target.hpp"

#include "daemon/target/identity.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "daemon/target/postgres_migrate.hpp"
#include "daemon/target/postgres_read.hpp"

namespace enrichd::target {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

constexpr int most_tries = 4; ///< of one slice, where others were in its way

/// 100 to 300 ms after the first try, up to 400 to 1200 ms after the third: two writers part ways.
std::chrono::milliseconds wait_before(int try_number) {
    thread_local std::minstd_rand random{std::random_device{}()};
    const auto base = 100 << (try_number - 1);
    return std::chrono::milliseconds(std::uniform_int_distribution(base, 3 * base)(random));
}

awaitable<void> pause(std::chrono::milliseconds time) {
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(asio::use_awaitable);
}

} // namespace

struct postgres_target::writer {
    /// The connection that is open, or a new one. `reused` tells which.
    awaitable<result<postgres_connection*>> get() {
        if (connection && !connection->usable()) connection.reset();
        reused = connection != nullptr;
        if (!connection) {
            auto c = co_await postgres_connection::connect(pool, url, postgres_connection::use::writing);
            if (!c) co_return c.error();
            connection = std::move(*c);
        }
        co_return connection.get();
    }

    /// Calls `work` with a connection; once more with a new one if one that was kept turns out to be dead.
    template <class T, class... Arguments>
    awaitable<result<T>> call(awaitable<result<T>> (*work)(postgres_connection&, const postgres_settings&,
                                                           Arguments...),
                              const postgres_settings& s, Arguments... arguments) {
        while (true) {
            auto c = co_await get();
            if (!c) co_return c.error();
            auto reply = co_await work(**c, s, arguments...);
            if (reply || !reused || (*c)->usable()) co_return reply;
        }
    }

    asio::any_io_executor pool;
    postgres_url url;
    std::unique_ptr<postgres_connection> connection;
    bool reused = false;
};

postgres_target::postgres_target(asio::any_io_executor pool, postgres_settings s)
    : pool_(std::move(pool)),
      settings_(std::make_shared<const postgres_settings>(std::move(s))),
      writer_(std::make_unique<writer>()) {
    writer_->pool = pool_;
    writer_->url = settings_->url;
}

postgres_target::~postgres_target() = default;

std::string postgres_target::identity() const {
    const auto& name = settings_->name;
    return make_identity(name.empty() ? "postgresql:" + settings_->url.place() : name,
                         settings_->target.table);
}

awaitable<result<column_report>> postgres_target::inspect(enrichd::kind k) {
    const auto inside = co_await one_at_a_time_.enter();
    co_return co_await writer_->call(inspect_postgres, *settings_, k);
}

awaitable<result<std::unique_ptr<row_stream>>> postgres_target::read(selection s) {
    co_return co_await read_postgres(pool_, settings_, std::move(s));
}

awaitable<result<merge_reply>> postgres_target::merge(merge_slice slice) {
    const auto inside = co_await one_at_a_time_.enter();
    for (int tries = 1;;) {
        const auto c = co_await writer_->get();
        if (!c) co_return c.error();
        auto reply = co_await merge_into_postgres(**c, *settings_, slice);
        if (reply) co_return std::move(*reply);
        const bool was_lost = !(*c)->usable();
        const bool was_reused = writer_->reused;
        writer_->connection.reset(); // and with it what the transaction did
        const auto failure = reply.error();
        if (failure.what.code == errc::cancelled) co_return failure.what;
        if (was_lost && was_reused) continue; // it died while nobody looked
        // A unique violation that is no row's: another process merges the same slice, and its log row came
        // first.
        const bool again = is_worth_repeating(failure.state) || failure.state == "23505";
        if (!again || tries == most_tries) {
            if (failure.what.code == errc::timed_out)
                co_return error{errc::target_unavailable, failure.what.detail};
            co_return failure.what;
        }
        co_await pause(wait_before(tries++));
    }
}

awaitable<result<std::vector<migration_step>>> postgres_target::plan_migration() {
    const auto inside = co_await one_at_a_time_.enter();
    co_return co_await writer_->call(plan_postgres_migration, *settings_);
}

awaitable<result<std::vector<migration_step>>> postgres_target::migrate() {
    const auto inside = co_await one_migration_.enter();
    const auto c =
        co_await postgres_connection::connect(pool_, settings_->url, postgres_connection::use::writing);
    if (!c) co_return c.error();
    co_return co_await migrate_postgres(**c, *settings_);
}

result<postgres_settings> postgres_settings_from(const config& c) {
    auto url = parse_postgres_url(c.database_url);
    if (!url) return error{url.error().code, "[database] url: " + url.error().detail};
    postgres_settings s{std::move(*url), c.database_name, std::nullopt, c.source, c.target};
    if (!c.source.url.empty()) {
        auto source = parse_postgres_url(c.source.url);
        if (!source) return error{source.error().code, "[source] url: " + source.error().detail};
        s.source_url = std::move(*source);
    }
    return s;
}

} // namespace enrichd::target
