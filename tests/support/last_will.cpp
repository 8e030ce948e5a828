// SPDX-License-Identifier: Apache-2.0
#include "tests/support/last_will.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace enrichd::test {

namespace {

// The shell reads the pipe's end as its standard input's end, and holds `done` open until it ends.
[[noreturn]] void wait_and_execute(const char* command, int alive, int done) {
    setsid();
    for (const int number : {SIGINT, SIGTERM, SIGHUP})
        std::signal(number, SIG_IGN);
    const int nothing = open("/dev/null", O_WRONLY);
    if (dup2(alive, 0) < 0 || dup2(nothing, 1) < 0 || dup2(nothing, 2) < 0 || dup2(done, 3) < 0) _exit(127);
    execl("/bin/sh", "sh", "-c", command, nullptr);
    _exit(127);
}

} // namespace

last_will::last_will(const std::string& command) {
    int alive[2], done[2];
    if (pipe2(alive, O_CLOEXEC) != 0 || pipe2(done, O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
    const auto script = "cat; " + command;
    const pid_t between = fork();
    if (between == 0) {
        if (fork() != 0) _exit(0);
        wait_and_execute(script.c_str(), alive[0], done[1]);
    }
    close(alive[0]);
    close(done[1]);
    alive_ = alive[1];
    done_ = done[0];
    int status = 0;
    if (between < 0 || waitpid(between, &status, 0) != between)
        throw std::runtime_error("there is no process for a last will");
}

last_will::~last_will() {
    close(alive_);
    char nothing = 0;
    while (read(done_, &nothing, 1) < 0 && errno == EINTR) {
    }
    close(done_);
}

} // namespace enrichd::test
