// Runs every fuzz target over its corpus, over mutations of it, and over a few inputs that are hostile to
// every parser. Always the same inputs: a failure here is a failure everywhere.
// SPDX-License-Identifier: Apache-2.0
//
//   fuzz_replay CORPUS [-n MUTATIONS] [TARGET[/FILE]...]
//
// CORPUS is a folder with one folder a target. Prints what failed with the command that repeats it; the input
// is kept in fuzz-failed-TARGET.
#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

#include "tests/fuzz/mutate.hpp"

#include "fuzz_targets.hpp"

// The sanitizers' runtime calls back before it ends the process; without sanitizers there is none.
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming): the name is theirs
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

namespace fs = std::filesystem;
using enrichd::fuzz::target;

// What runs now: a crash must still be able to say it.
const char* running = "nothing";
const std::string* input = nullptr;

void keep_input() {
    const std::string path = std::string("fuzz-failed-") + running;
    if (input) std::ofstream(path, std::ios::binary) << *input;
    std::fprintf(stderr, "%s failed; its input is kept in %s/%s\n", running, fs::current_path().c_str(),
                 path.c_str());
}

// Good enough in a process that dies: nothing of ours holds a lock at this time.
void on_signal(int number) {
    std::signal(number, SIG_DFL);
    keep_input();
    std::raise(number);
}

// On a stack of its own: an endless recursion has none left.
void watch_signals() {
    static char stack[1 << 16];
    stack_t place = {};
    place.ss_sp = stack;
    place.ss_size = sizeof stack;
    sigaltstack(&place, nullptr);
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_ONSTACK;
    for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL})
        sigaction(number, &action, nullptr);
    if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(keep_input);
}

std::string read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<fs::path> files_of(const fs::path& folder) {
    std::vector<fs::path> files;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored))
        files.push_back(entry.path());
    std::sort(files.begin(), files.end()); // the order of a folder is nobody's promise
    return files;
}

class replay {
public:
    replay(fs::path corpus, unsigned mutations) : corpus_(std::move(corpus)), mutations_(mutations) {}

    void all_of(const target& t) {
        const auto files = files_of(corpus_ / t.name);
        if (files.empty()) {
            std::fprintf(stderr, "%s: no seeds in %s\n", t.name, (corpus_ / t.name).c_str());
            std::exit(1);
        }
        std::vector<std::string> seeds;
        for (const auto& file : files)
            seeds.push_back(read_file(file));
        for (const auto& bytes : enrichd::fuzz::bombs())
            once(t, bytes);
        for (const auto& seed : seeds) {
            once(t, seed);
            for (const auto& bytes : enrichd::fuzz::with_bombs(seed))
                once(t, bytes);
        }
        for (std::size_t i = 0; i < seeds.size(); ++i) {
            std::mt19937 random(static_cast<unsigned>(i + 1));
            for (unsigned n = 0; n < mutations_; ++n)
                once(t, enrichd::fuzz::mutated(seeds, i, random));
        }
    }

    void one_file(const target& t, const fs::path& file) { once(t, read_file(file)); }

    unsigned long executions() const { return executions_; }

private:
    void once(const target& t, const std::string& bytes) {
        running = t.name;
        input = &bytes;
        // A copy of just this size, so that AddressSanitizer sees a byte read beyond it.
        std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
        t.run(exact.data(), exact.size());
        input = nullptr;
        ++executions_;
    }

    fs::path corpus_;
    unsigned mutations_;
    unsigned long executions_ = 0;
};

int usage() {
    std::fputs("fuzz_replay CORPUS [-n MUTATIONS] [TARGET[/FILE]...]\n", stderr);
    return 2;
}

int run(std::vector<std::string> arguments) {
    unsigned mutations = 60;
    if (arguments.size() >= 3 && arguments[1] == "-n") {
        const auto& n = arguments[2];
        if (std::from_chars(n.data(), n.data() + n.size(), mutations).ec != std::errc{}) return usage();
        arguments.erase(arguments.begin() + 1, arguments.begin() + 3);
    }
    if (arguments.empty()) return usage();
    const fs::path corpus = arguments[0];
    replay r(corpus, mutations);
    unsigned targets = 0;
    for (const auto& t : enrichd::fuzz::targets) {
        bool wanted = arguments.size() == 1;
        for (std::size_t i = 1; i < arguments.size(); ++i) {
            if (arguments[i] == t.name) wanted = true;
            if (arguments[i].starts_with(std::string(t.name) + "/")) {
                r.one_file(t, corpus / arguments[i]);
                ++targets;
            }
        }
        if (!wanted) continue;
        r.all_of(t);
        ++targets;
    }
    if (targets == 0) return usage();
    std::printf("%lu inputs\n", r.executions());
    // As Catch2 closes, for whoever counts tests.
    std::printf("All tests passed (%lu assertions in %u test cases)\n", r.executions(), targets);
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    watch_signals();
    return run({argv + 1, argv + argc});
}
