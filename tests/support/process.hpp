// A program run by a test: started, waited for, killed by its pid.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace enrichd::test {

using arguments = std::vector<std::string>;
using environment = std::map<std::string, std::string>; ///< added to the test's own

/// Killed with SIGKILL and reaped where it still runs at the end; and with the thread that began it, by
/// whatever death.
class process {
public:
    /// What it prints goes to `output` (appended). Throws std::runtime_error.
    process(const arguments& command, const environment& more, const std::filesystem::path& output);
    ~process();
    process(const process&) = delete;
    process& operator=(const process&) = delete;

    pid_t pid() const { return pid_; }
    void signal(int number) const;
    /// Its exit status, or 128 + the signal that ended it.
    int wait();
    /// Whether it has ended by now.
    bool has_ended();

private:
    pid_t pid_ = -1;
    std::optional<int> status_;
};

struct finished {
    int code = 0;
    std::string out;
    std::string err;
};

/// Runs a program to its end.
finished run(const arguments& command, const environment& more = {});

} // namespace enrichd::test
