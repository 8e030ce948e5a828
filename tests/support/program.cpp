// SPDX-License-Identifier: Apache-2.0
#include "tests/support/program.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdexcept>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace enrichd::test {

namespace {

using clock = std::chrono::steady_clock;

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (auto& text : texts)
        out.push_back(text.data());
    out.push_back(nullptr);
    return out;
}

int left_until(clock::time_point when) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(when - clock::now()).count();
    return left > 0 ? static_cast<int>(left) : 0;
}

// Two ends, as pipe2() makes them, of which the second is a terminal that passes bytes on as they are.
void open_terminal(int (&ends)[2], unsigned short columns) {
    winsize size = {};
    size.ws_col = columns;
    size.ws_row = 25;
    termios as_it_is = {};
    cfmakeraw(&as_it_is);
    ends[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    char name[64];
    if (ends[0] < 0 || grantpt(ends[0]) != 0 || unlockpt(ends[0]) != 0 ||
        ptsname_r(ends[0], name, sizeof name) != 0)
        throw std::runtime_error("posix_openpt");
    ends[1] = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ends[1] < 0 || tcsetattr(ends[1], TCSANOW, &as_it_is) != 0 || ioctl(ends[1], TIOCSWINSZ, &size) != 0)
        throw std::runtime_error(name);
}

// A pipe without columns, a terminal with them.
void open_output(int (&ends)[2], unsigned short columns) {
    if (columns > 0)
        open_terminal(ends, columns);
    else if (pipe2(ends, O_CLOEXEC) != 0)
        throw std::runtime_error("pipe2");
}

} // namespace

started_program::started_program(const std::string& file, std::vector<std::string> arguments,
                                 std::map<std::string, std::string> environment, unsigned short columns,
                                 unsigned short error_columns) {
    int out[2], err[2];
    open_output(out, columns);
    open_output(err, error_columns);
    arguments.insert(arguments.begin(), file);
    environment.emplace("PATH", "/usr/bin:/bin");
    std::vector<std::string> variables;
    for (const auto& [name, value] : environment)
        variables.push_back(fmt::format("{}={}", name, value));

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    const int failed = posix_spawn(&pid_, file.c_str(), &actions, nullptr, pointers(arguments).data(),
                                   pointers(variables).data());
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    close(err[1]);
    out_ = out[0];
    err_ = err[0];
    if (failed) throw std::runtime_error("cannot start " + file);
}

started_program::~started_program() {
    if (pid_ > 0) {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    for (int fd : {out_, err_})
        if (fd >= 0) close(fd);
}

void started_program::signal(int number) {
    kill(pid_, number);
}

bool started_program::read_more(int timeout_ms) {
    pollfd ends[] = {{out_, POLLIN, 0}, {err_, POLLIN, 0}};
    if (poll(ends, 2, timeout_ms) <= 0) return true;
    const auto take = [](pollfd& from, int& fd, std::string& into) {
        if (fd < 0 || !(from.revents & (POLLIN | POLLHUP))) return;
        char piece[65536];
        const auto n = read(fd, piece, sizeof piece);
        if (n > 0) {
            into.append(piece, static_cast<std::size_t>(n));
        } else if (n == 0 || errno == EIO) { // EIO: nobody holds the terminal any more
            close(fd);
            fd = -1;
        }
    };
    take(ends[0], out_, end_.out);
    take(ends[1], err_, end_.err);
    return out_ >= 0 || err_ >= 0;
}

bool started_program::wait_for_error_text(const std::string& text) {
    const auto give_up = clock::now() + std::chrono::seconds(10);
    while (end_.err.find(text) == std::string::npos)
        if (clock::now() > give_up || !read_more(left_until(give_up)))
            return end_.err.find(text) != std::string::npos;
    return true;
}

program_end started_program::wait() {
    const auto give_up = clock::now() + std::chrono::seconds(30);
    while (clock::now() < give_up && read_more(left_until(give_up))) {
    }
    if (clock::now() >= give_up) kill(pid_, SIGKILL);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    end_.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return end_;
}

program_end run_program(const std::string& file, std::vector<std::string> arguments,
                        std::map<std::string, std::string> environment, unsigned short columns) {
    return started_program(file, std::move(arguments), std::move(environment), columns).wait();
}

} // namespace enrichd::test
