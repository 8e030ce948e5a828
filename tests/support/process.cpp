// SPDX-License-Identifier: Apache-2.0
#include "tests/support/process.hpp"

#include "tests/support/temp_folder.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>

extern char** environ;

namespace enrichd::test {

namespace {

int exit_code(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::vector<std::string> merged(const environment& more) {
    std::vector<std::string> all;
    for (char** entry = environ; *entry; ++entry) {
        const std::string pair = *entry;
        if (more.count(pair.substr(0, pair.find('='))) == 0) all.push_back(pair);
    }
    for (const auto& [name, value] : more)
        all.push_back(fmt::format("{}={}", name, value));
    return all;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> all;
    for (auto& s : strings)
        all.push_back(s.data());
    all.push_back(nullptr);
    return all;
}

pid_t spawn(arguments command, const environment& more, const std::filesystem::path& out,
            const std::filesystem::path& err) {
    auto variables = merged(more);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (err == out)
        posix_spawn_file_actions_adddup2(&files, 1, 2);
    else
        posix_spawn_file_actions_addopen(&files, 2, err.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    pid_t pid = -1;
    const int failed = posix_spawnp(&pid, command.front().c_str(), &files, nullptr, pointers(command).data(),
                                    pointers(variables).data());
    posix_spawn_file_actions_destroy(&files);
    if (failed != 0) throw std::runtime_error(command.front() + ": " + std::strerror(failed));
    return pid;
}

} // namespace

process::process(const arguments& command, const environment& more, const std::filesystem::path& output)
    : pid_(spawn(command, more, output, output)) {}

process::~process() {
    if (status_) return;
    ::kill(pid_, SIGKILL);
    wait();
}

void process::signal(int number) const {
    if (!status_) ::kill(pid_, number);
}

int process::wait() {
    if (!status_) {
        int status = 0;
        while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        status_ = exit_code(status);
    }
    return *status_;
}

bool process::has_ended() {
    int status = 0;
    if (!status_ && waitpid(pid_, &status, WNOHANG) == pid_) status_ = exit_code(status);
    return status_.has_value();
}

finished run(const arguments& command, const environment& more) {
    const temp_folder folder;
    const auto pid = spawn(command, more, folder / "out", folder / "err");
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return {exit_code(status), read_file(folder / "out"), read_file(folder / "err")};
}

} // namespace enrichd::test
