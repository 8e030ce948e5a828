// Everything that a daemon says to systemd (sd_notify(3)), written down while it runs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <filesystem>
#include <thread>

namespace enrichd::killer {

/// Reads in a thread of its own: a daemon whose words nobody takes would stand still at one of them.
class notify_log {
public:
    notify_log(const std::filesystem::path& socket, const std::filesystem::path& log);
    ~notify_log();
    notify_log(const notify_log&) = delete;
    notify_log& operator=(const notify_log&) = delete;

    /// What was said so far is of a daemon that has ended.
    void forget();
    bool is_ready() const { return ready_; }

private:
    bool take(); ///< false: there is nothing
    void listen();

    int fd_;
    std::filesystem::path log_;
    std::atomic<bool> ready_{false};
    std::atomic<bool> end_{false};
    std::thread thread_;
};

} // namespace enrichd::killer
