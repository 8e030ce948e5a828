// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_operations.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace enrichd::test {

using json = fake_operations::json;

fake_operations::fake_operations(boost::asio::any_io_executor executor)
    : executor_(executor), news_(executor, boost::asio::steady_timer::time_point::max()) {}

void fake_operations::change() {
    ++version_;
    news_.cancel();
}

void fake_operations::shut_down() {
    down_ = true;
    news_.cancel();
}

result<json> fake_operations::answer(std::string call, const std::string& rest) {
    const auto name = call.substr(0, call.find(' '));
    calls.push_back(rest.empty() ? call : call + " " + rest);
    for (const auto& key : {call, name})
        if (const auto e = errors.find(key); e != errors.end()) return e->second;
    for (const auto& key : {call, name})
        if (const auto r = replies.find(key); r != replies.end()) return r->second;
    return error{errc::not_found, fmt::format("no {}", call)};
}

result<json> fake_operations::status() {
    return answer("status");
}
result<json> fake_operations::jobs(std::optional<std::string> run, bool all) {
    return answer("jobs", fmt::format("{} {}", run.value_or("-"), all));
}
result<json> fake_operations::job(std::string id, bool with_rows) {
    saw_rows = with_rows;
    return answer("job " + id);
}
result<json> fake_operations::run(std::string id) {
    return answer("run " + id);
}
control::awaitable<result<json>> fake_operations::plan(control::run_order o) {
    order = std::move(o);
    co_return answer("plan");
}
result<json> fake_operations::start_run(control::run_order o) {
    order = std::move(o);
    return answer("start_run");
}
result<json> fake_operations::build(control::run_order o) {
    order = std::move(o);
    return answer("build");
}
result<json> fake_operations::submit(enrichd::kind k, std::string sha256, std::optional<money> budget) {
    return answer("submit", fmt::format("{} {} {}", name(k), sha256, budget ? exact_dollars(*budget) : "-"));
}
result<json> fake_operations::merge(std::string id, std::optional<enrichd::kind> k) {
    return answer("merge " + id, std::string(k ? name(*k) : "-"));
}
result<json> fake_operations::poll(std::string id) {
    return answer("poll " + id);
}
result<json> fake_operations::cancel(std::string id, bool abandon) {
    return answer((abandon ? "abandon " : "cancel ") + id);
}
result<json> fake_operations::discard(std::string id) {
    return answer("discard " + id);
}
result<json> fake_operations::retry(std::string id) {
    return answer("retry " + id);
}
control::awaitable<result<json>> fake_operations::resolve(std::string id, std::optional<std::string> adopt) {
    co_return answer("resolve " + id, adopt ? "adopt " + *adopt : "resubmit");
}
result<json> fake_operations::pause() {
    return answer("pause");
}
result<json> fake_operations::resume() {
    return answer("resume");
}
result<json> fake_operations::budget() {
    return answer("budget");
}
result<json> fake_operations::bookings(std::int64_t after) {
    return answer("bookings", fmt::format("{}", after));
}
result<json> fake_operations::quarantine_list() {
    return answer("quarantine_list");
}
result<json> fake_operations::quarantine_release(std::vector<std::string> keys, bool all) {
    return answer("quarantine_release", fmt::format("{} {}", fmt::join(keys, ","), all));
}
result<std::string> fake_operations::request_file(std::string job_id) {
    if (auto e = answer("request_file " + job_id); !e && request_path.empty()) return e.error();
    return request_path;
}
result<std::string> fake_operations::report(std::optional<std::string> run, std::string format) {
    calls.push_back(fmt::format("report {} {}", run.value_or("-"), format));
    if (const auto e = errors.find("report"); e != errors.end()) return e->second;
    return report_text;
}
control::awaitable<result<fake_operations::handed_file>> fake_operations::ledger_copy() {
    if (auto e = answer("ledger_copy"); !e && ledger_path.empty()) co_return e.error();
    co_return std::make_shared<const std::string>(ledger_path);
}
control::awaitable<result<json>> fake_operations::verification() {
    co_return answer("verification");
}
control::awaitable<result<json>> fake_operations::adoptable() {
    co_return answer("adoptable");
}
control::awaitable<result<json>> fake_operations::adopt(std::string batch_id) {
    co_return answer("adopt " + batch_id);
}
result<json> fake_operations::leave(std::string batch_id) {
    return answer("leave " + batch_id);
}
control::awaitable<result<json>> fake_operations::migration_plan() {
    co_return answer("migration_plan");
}
control::awaitable<result<json>> fake_operations::migrate() {
    co_return answer("migrate");
}

control::awaitable<result<std::uint64_t>> fake_operations::changed(std::uint64_t version) {
    while (version_ <= version && !down_) {
        (void)co_await news_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        const auto state = co_await boost::asio::this_coro::cancellation_state;
        if (state.cancelled() != boost::asio::cancellation_type::none)
            co_return error{errc::cancelled, "stopped"};
    }
    if (down_) co_return error{errc::cancelled, "shutting down"};
    co_return version_;
}

} // namespace enrichd::test
