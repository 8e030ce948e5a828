// SPDX-License-Identifier: Apache-2.0
#include "tests/support/process.hpp"

#include "tests/support/temp_folder.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

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

int appended(const std::filesystem::path& file) {
    const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) throw std::runtime_error(file.string() + ": " + std::strerror(errno));
    return fd;
}

// In the child. Other threads' locks are shut here for ever: system calls alone. `failed` tells why it could
// not.
[[noreturn]] void become(char* const command[], char* const variables[], int out, int err, int failed) {
    const int nothing = open("/dev/null", O_RDONLY);
    if (dup2(nothing, 0) >= 0 && dup2(out, 1) >= 0 && dup2(err, 2) >= 0)
        execvpe(command[0], command, variables);
    const int why = errno;
    (void)!write(failed, &why, sizeof why);
    _exit(127);
}

// It dies with the test, whatever ends that: no server is left behind by one that was killed. Returns once
// the program is what runs there.
pid_t spawn(arguments command, const environment& more, const std::filesystem::path& out,
            const std::filesystem::path& err) {
    auto variables = merged(more);
    const auto words = pointers(command), pairs = pointers(variables);
    const int out_fd = appended(out), err_fd = appended(err);
    int failed[2];
    if (pipe2(failed, O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
    const auto parent = getpid();
    const pid_t pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) _exit(127);
        become(words.data(), pairs.data(), out_fd, err_fd, failed[1]);
    }
    int why = pid < 0 ? errno : 0;
    for (const int fd : {out_fd, err_fd, failed[1]})
        close(fd);
    if (pid > 0 && read(failed[0], &why, sizeof why) == sizeof why) waitpid(pid, nullptr, 0);
    close(failed[0]);
    if (why != 0) throw std::runtime_error(command.front() + ": " + std::strerror(why));
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
