// Takes batches through their lives, by the clock and on the pool.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/sandbox/fault_desk.hpp"
#include "daemon/sandbox/store.hpp"
#include "daemon/sandbox/timeline.hpp"
#include "daemon/sandbox/workshop.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace enrichd::sandbox {

/// Milliseconds since 1970.
std::int64_t wall_clock_ms();

/// One coroutine a batch. Each step begins from the stored record and ends with storing it, so a sandbox that
/// was killed goes on where it was.
class batch_runner {
public:
    /// All references outlive the runner's coroutines. `desk` may be exchanged meanwhile.
    batch_runner(boost::asio::any_io_executor executor, workshop& pool, store& memory,
                 const std::unique_ptr<fault_desk>& desk, timing t, std::uint64_t seed);

    /// Takes up what was on the way when the program ended.
    void resume();
    void start(const std::string& batch_id);
    /// The batch was changed (cancelled): look at it now.
    void wake(const std::string& batch_id);
    /// Lets every coroutine end after its step in hand.
    void stop();

private:
    boost::asio::awaitable<void> drive(std::string id);
    /// One step. Returns the time of the next one; in the past: at once.
    boost::asio::awaitable<std::int64_t> step(batch_record b);
    boost::asio::awaitable<std::int64_t> validate(batch_record b);
    boost::asio::awaitable<std::int64_t> progress(batch_record b);
    boost::asio::awaitable<void> work(batch_record b, std::int64_t lines, bool expire);
    void fail(batch_record b, std::vector<validation_error> errors);
    void finish(batch_record b, phase end);
    void publish(const batch_record& b, const std::filesystem::path& from, std::int64_t bytes,
                 const std::string& file_id, const char* what);

    boost::asio::any_io_executor executor_;
    workshop& pool_;
    store& store_;
    const std::unique_ptr<fault_desk>& desk_;
    timing timing_;
    std::uint64_t seed_;
    std::map<std::string, boost::asio::steady_timer> sleeping_; ///< by batch id; one each that is driven
    bool stopping_ = false;
};

} // namespace enrichd::sandbox
