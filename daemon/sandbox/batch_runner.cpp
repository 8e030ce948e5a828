// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/batch_runner.hpp"

#include "daemon/sandbox/batch_slice.hpp"
#include "daemon/sandbox/batch_validation.hpp"
#include "daemon/sandbox/words.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <locale>

namespace asio = boost::asio;

namespace enrichd::sandbox {

namespace {

constexpr std::int64_t slice_lines = 256;
// 2000000 as "2,000,000", the way the API writes limits.
std::string grouped(std::uint64_t n) {
    auto digits = std::to_string(n);
    for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
        digits.insert(static_cast<std::size_t>(at), 1, ',');
    return digits;
}

validation_error quota_error(std::string_view model, std::uint64_t limit) {
    return {"token_limit_exceeded",
            fmt::format(
                "Enqueued token limit reached for {} in organization org-sandbox. Limit: {} enqueued tokens. "
                "Please try again once some in_progress batches have been completed.",
                model, grouped(limit)),
            {},
            {}};
}

// What a scenario says a batch fails with; the messages that the API is known to give are filled in.
validation_error scenario_error(const batch_record& b) {
    if (!b.faults.fail_message.empty()) return {b.faults.fail_code, b.faults.fail_message, {}, {}};
    if (b.faults.fail_code == "token_limit_exceeded") return quota_error(b.model, 2'000'000);
    return {b.faults.fail_code,
            fmt::format("The batch failed in validation: {} (a fault of the scenario).", b.faults.fail_code),
            {},
            {}};
}

struct validation_work {
    std::filesystem::path input;
    std::string endpoint;
    bool count_tokens = false;
    validation operator()(token_bench& bench) const {
        return validate_batch(input, endpoint, count_tokens, bench);
    }
};

struct slice_work {
    slice_order order;
    slice_done operator()(token_bench& bench) { return work_slice(std::move(order), bench); }
};

} // namespace

std::int64_t wall_clock_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

batch_runner::batch_runner(asio::any_io_executor executor, workshop& pool, store& memory,
                           const std::unique_ptr<fault_desk>& desk, timing t, std::uint64_t seed)
    : executor_(std::move(executor)), pool_(pool), store_(memory), desk_(desk), timing_(t), seed_(seed) {}

void batch_runner::resume() {
    for (const auto& b : store_.unfinished())
        start(b.id);
}

void batch_runner::start(const std::string& batch_id) {
    sleeping_.try_emplace(batch_id, executor_);
    // The database or the disk is broken if this throws: the sandbox ends, and says so.
    asio::co_spawn(executor_, drive(batch_id), [](const std::exception_ptr& failure) {
        if (failure) std::rethrow_exception(failure);
    });
}

void batch_runner::wake(const std::string& batch_id) {
    if (const auto at = sleeping_.find(batch_id); at != sleeping_.end()) at->second.cancel();
}

void batch_runner::stop() {
    stopping_ = true;
    for (auto& [id, timer] : sleeping_)
        timer.cancel();
}

asio::awaitable<void> batch_runner::drive(std::string id) {
    auto& timer = sleeping_.at(id);
    while (!stopping_) {
        auto b = store_.batch(id);
        if (!b || is_end(b->status)) break;
        const auto next = co_await step(std::move(*b));
        const auto wait = next - wall_clock_ms();
        if (wait <= 0 || stopping_) continue;
        boost::system::error_code ignored; // cancelled by wake() and stop()
        timer.expires_after(std::chrono::milliseconds(wait));
        co_await timer.async_wait(redirect_error(asio::use_awaitable, ignored));
    }
    sleeping_.erase(id);
}

asio::awaitable<std::int64_t> batch_runner::step(batch_record b) {
    const auto now = wall_clock_ms();
    const timeline line(b, timing_);
    switch (b.status) {
    case phase::validating:
        if (now < line.validated_ms()) co_return line.validated_ms();
        co_return co_await validate(std::move(b));
    case phase::in_progress: co_return co_await progress(std::move(b));
    case phase::finalizing:
        if (now < line.completed_ms()) co_return line.completed_ms();
        finish(std::move(b), phase::completed);
        co_return now;
    case phase::cancelling:
        if (now < line.cancelled_ms()) co_return line.cancelled_ms();
        finish(std::move(b), phase::cancelled);
        co_return now;
    case phase::completed:
    case phase::failed:
    case phase::expired:
    case phase::cancelled: break;
    }
    co_return now;
}

asio::awaitable<std::int64_t> batch_runner::validate(batch_record b) {
    const auto faults = desk_->current();
    validation_work order{store_.content_of(b.input_file_id), b.endpoint, !faults->quotas.empty()};
    const auto found = co_await pool_.run(std::move(order));
    const auto now = wall_clock_ms();
    auto fresh = store_.batch(b.id);
    if (!fresh || fresh->status != phase::validating) co_return now; // cancelled meanwhile
    b = std::move(*fresh);
    b.model = found.model;
    if (!b.faults.fail_code.empty()) {
        const auto why = scenario_error(b);
        fail(std::move(b), {why});
        co_return now;
    }
    if (!found.errors.empty()) {
        fail(std::move(b), found.errors);
        co_return now;
    }
    const auto quota = faults->quotas.find(b.model);
    if (quota != faults->quotas.end() &&
        static_cast<std::uint64_t>(store_.enqueued(b.model) + found.tokens) > quota->second) {
        fail(std::move(b), {quota_error(quota->first, quota->second)});
        co_return now;
    }
    b.enqueued_tokens = found.tokens;
    b.total = found.requests;
    b.status = phase::in_progress;
    b.in_progress_ms = now;
    store_.save(b);
    co_return now;
}

asio::awaitable<std::int64_t> batch_runner::progress(batch_record b) {
    const auto now = wall_clock_ms();
    const timeline line(b, timing_);
    if (!store_.file(b.input_file_id)) {
        fail(std::move(b),
             {{"invalid_request", "The input file was deleted while the batch was in progress.", {}, {}}});
        co_return now;
    }
    if (b.lines_done < b.total && (now >= line.window_end_ms() || line.expires_now())) {
        co_await work(std::move(b), slice_lines, true);
        co_return now;
    }
    if (b.lines_done == b.total) {
        if (line.expires_now() || now >= line.window_end_ms()) {
            finish(std::move(b), phase::expired);
            co_return now;
        }
        if (b.faults.stall_at >= 0) co_return line.window_end_ms();
        if (now < line.finalizing_ms()) co_return line.finalizing_ms();
        b.status = phase::finalizing;
        b.finalizing_ms = now;
        store_.save(b);
        co_return now;
    }
    if (line.cancels_now()) {
        b.status = phase::cancelling;
        b.cancelling_ms = now;
        store_.save(b);
        co_return now;
    }
    if (const auto due = line.lines_due(now) - b.lines_done; due > 0) {
        co_await work(std::move(b), std::min(due, slice_lines), false);
        co_return now;
    }
    if (b.lines_done >= line.reachable_lines()) co_return line.window_end_ms(); // it stalls
    co_return std::min(std::max(line.next_line_ms(), now + 1), line.window_end_ms());
}

asio::awaitable<void> batch_runner::work(batch_record b, std::int64_t lines, bool expire) {
    slice_work order;
    order.order.input = store_.content_of(b.input_file_id);
    order.order.output = store_.output_of(b.id);
    order.order.errors = store_.errors_of(b.id);
    order.order.lines = lines;
    order.order.expire = expire;
    order.order.faults = desk_->current();
    order.order.seed = seed_;
    order.order.now = wall_clock_ms() / 1000;
    order.order.batch = std::move(b);
    auto done = co_await pool_.run(std::move(order));
    // Only a cancel can have come between: the lines are done and count, the state is its.
    if (const auto fresh = store_.batch(done.batch.id)) {
        done.batch.status = fresh->status;
        done.batch.cancelling_ms = fresh->cancelling_ms;
        done.batch.faults.hidden_calls = fresh->faults.hidden_calls;
    }
    store_.save(done.batch, done.billed);
}

void batch_runner::fail(batch_record b, std::vector<validation_error> errors) {
    b.status = phase::failed;
    b.failed_ms = wall_clock_ms();
    b.errors = std::move(errors);
    store_.save(b);
}

// Makes a file of the API of what was written. May be done again after a crash: the id is recorded before.
void batch_runner::publish(const batch_record& b, const std::filesystem::path& from, std::int64_t bytes,
                           const std::string& file_id, const char* what) {
    if (std::filesystem::exists(from)) {
        std::filesystem::resize_file(from, static_cast<std::uintmax_t>(bytes));
        if (b.faults.reorder) reorder_lines(from, hash_of(b.id, seed_));
        std::filesystem::rename(from, store_.content_of(file_id));
    }
    if (store_.file(file_id)) return;
    file_record f;
    f.id = file_id;
    f.purpose = "batch_output";
    f.filename = fmt::format("{}_{}.jsonl", b.id, what);
    f.bytes = bytes;
    f.created_at = wall_clock_ms() / 1000;
    f.expires_at = f.created_at + (b.output_ttl > 0 ? b.output_ttl : thirty_days);
    store_.add_file(f);
}

void batch_runner::finish(batch_record b, phase end) {
    if (b.output_bytes > 0 && !b.output_file_id) b.output_file_id = store_.new_id("file-");
    if (b.error_bytes > 0 && !b.error_file_id) b.error_file_id = store_.new_id("file-");
    store_.save(b);
    if (b.output_file_id) publish(b, store_.output_of(b.id), b.output_bytes, *b.output_file_id, "output");
    if (b.error_file_id) publish(b, store_.errors_of(b.id), b.error_bytes, *b.error_file_id, "error");
    b.status = end;
    const auto now = wall_clock_ms();
    if (end == phase::completed) b.completed_ms = now;
    if (end == phase::expired) b.expired_ms = now;
    if (end == phase::cancelled) b.cancelled_ms = now;
    store_.save(b);
}

} // namespace enrichd::sandbox
