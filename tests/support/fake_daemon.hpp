// A control server over scripted operations, in a thread of its own, that can be stopped and started again.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/server.hpp"
#include "tests/support/fake_operations.hpp"

#include <filesystem>
#include <functional>
#include <memory>

namespace enrichd::test {

class fake_daemon {
public:
    /// Starts at once. Without a policy everybody operates.
    explicit fake_daemon(std::filesystem::path socket, control::peer_policy may_operate = {},
                         control::handler_options options = {});
    ~fake_daemon();
    fake_daemon(const fake_daemon&) = delete;
    fake_daemon& operator=(const fake_daemon&) = delete;

    /// Calls it on the server's thread and waits; where the daemon is stopped, here and now.
    void with(std::function<void(fake_operations&)> f);

    /// Waits until the operations were asked for this call (as in fake_operations::calls) that many times;
    /// false if that took longer than ten seconds.
    bool wait_for_call(const std::string& call, int times = 1);

    void stop();  ///< streams end, the socket goes away; replies stay
    void start(); ///< on the same socket

private:
    struct running;
    std::filesystem::path socket_;
    control::peer_policy may_operate_;
    control::handler_options options_;
    std::unique_ptr<running> running_;
    std::map<std::string, control::json> replies_; // while stopped
    std::map<std::string, error> errors_;
    std::vector<std::string> calls_;
    std::string request_path_;
};

} // namespace enrichd::test
