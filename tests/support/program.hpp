// A program that a test starts: its output, its exit code, signals to it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

namespace enrichd::test {

struct program_end {
    int code = -1; ///< exit code; 128 + the signal's number if one ended it
    std::string out;
    std::string err;
};

/// Neither output is a terminal, unless `columns` are given: then standard output is one of that width, and
/// with `error_columns` standard error. Standard input is at its end. The environment is what is given, with
/// PATH added.
class started_program {
public:
    started_program(const std::string& file, std::vector<std::string> arguments,
                    std::map<std::string, std::string> environment = {}, unsigned short columns = 0,
                    unsigned short error_columns = 0);
    ~started_program(); ///< kills it if it still runs
    started_program(const started_program&) = delete;
    started_program& operator=(const started_program&) = delete;

    void signal(int number);
    /// Waits until standard error holds this text; false if it ended, or ten seconds passed, before.
    bool wait_for_error_text(const std::string& text);
    /// Waits for its end; after thirty seconds it is killed.
    program_end wait();

private:
    bool read_more(int timeout_ms);

    pid_t pid_ = -1;
    int out_ = -1, err_ = -1;
    program_end end_;
};

program_end run_program(const std::string& file, std::vector<std::string> arguments,
                        std::map<std::string, std::string> environment = {}, unsigned short columns = 0);

} // namespace enrichd::test
