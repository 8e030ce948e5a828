// Following a job or run by its stream of events, over restarts of the daemon.
// SPDX-License-Identifier: Apache-2.0
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "daemon/ctl/session.hpp"
#include "daemon/ctl/text.hpp"
#include "daemon/with_timeout.hpp"

namespace enrichd::ctl {

namespace {

// Between looks for a daemon that is away.
constexpr std::chrono::milliseconds first_wait(200), longest_wait(5000);

/// Looks at each line, shows it, and knows when it is enough.
class watcher {
public:
    watcher(progress& shown, const std::function<bool(const control::json&)>& done)
        : shown_(shown), done_(done) {}

    awaitable<bool> take(std::string_view line) {
        heard_ = true;
        if (std::exchange(away_, false)) shown_.note("the daemon is back");
        if (line.empty()) co_return true; // the daemon only shows that it is there
        auto body = control::json::parse(line, nullptr, false);
        if (body.is_discarded()) co_return true;
        last_ = {200, std::string(line) + "\n", std::move(body), {}};
        if (last_.body.contains("run"))
            shown_.show(read_run(last_.body["run"]));
        else
            shown_.show(read_job(last_.body.value("job", control::json())));
        reached_ = done_(last_.body);
        co_return !reached_;
    }

    bool reached() const { return reached_; }
    /// Whether anything was heard since the last time.
    bool take_heard() { return std::exchange(heard_, false); }
    /// Says so, once until something is heard again.
    void lost_sight(const std::string& id) {
        if (!std::exchange(away_, true))
            shown_.note(fmt::format("the daemon has gone away; waiting for it to come back ({})", id));
    }
    reply take_last() { return std::move(last_); }

private:
    progress& shown_;
    const std::function<bool(const control::json&)>& done_;
    reply last_;
    bool heard_ = false;
    bool away_ = false;
    bool reached_ = false;
};

// "200 ms", "30 s", "5 min"
std::string span(std::chrono::milliseconds time) {
    return time.count() < 1000 ? fmt::format("{} ms", time.count()) : duration(time.count());
}

awaitable<void> pass(std::chrono::milliseconds time) {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, time);
    co_await timer.async_wait(boost::asio::use_awaitable);
}

} // namespace

awaitable<result<reply>> session::follow_over_restarts(route_id route, std::string id,
                                                       std::function<bool(const control::json&)> done) {
    watcher seen(shown, done);
    const control::line_sink sink = [&seen](std::string_view line) { return seen.take(line); };
    auto wait = first_wait;
    for (bool connected_once = false;;) {
        auto end = co_await daemon.stream(route, id, sink);
        if (seen.reached()) co_return seen.take_last();
        if (seen.take_heard()) {
            connected_once = true;
            wait = first_wait;
        }
        // 503 is a daemon on its way down or up; any other refusal is an answer.
        if (end && !end->ok() && end->status != 503) co_return end;
        if (!end && end.error().code == errc::cancelled) co_return end.error();
        if (!end && !connected_once && end.error().code == errc::unavailable) co_return end.error();
        seen.lost_sight(id);
        co_await pass(wait);
        wait = std::min(wait * 2, longest_wait);
    }
}

awaitable<answer<reply>> session::follow(route_id route, std::string id,
                                         std::function<bool(const control::json&)> done) {
    std::optional<std::chrono::milliseconds> limit;
    if (const auto seconds = opt.timeout())
        limit = std::chrono::milliseconds(static_cast<std::int64_t>(*seconds * 1000));
    auto op = follow_over_restarts(route, id, std::move(done));
    auto r = co_await with_timeout(limit, fmt::format("waiting for {}", id), std::move(op));
    shown.clear();
    if (!r && r.error().code == errc::timed_out)
        co_return lost(exit_code::wait_timed_out, "wait_timed_out",
                       fmt::format("waited {} for {} (--timeout)", span(*limit), id), goes_on);
    co_return judge(std::move(r));
}

} // namespace enrichd::ctl
