// enrichctl, the real program, against a fake daemon.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/contains.hpp"
#include "tests/support/fake_daemon.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/wire_samples.hpp"

namespace enrichd::test {

struct ctl_fixture {
    temp_folder folder;
    std::string socket = folder / "enrichd.sock";
    fake_daemon daemon{socket, {}, {.keep_alive = std::chrono::milliseconds(50)}};
    std::map<std::string, std::string> environment = {{"HOME", folder.path().native()}};

    std::vector<std::string> with_socket(std::vector<std::string> arguments) const {
        arguments.insert(arguments.end(), {"--socket", socket});
        return arguments;
    }
    program_end ctl(std::vector<std::string> arguments) const {
        return run_program(ENRICHCTL, with_socket(std::move(arguments)), environment);
    }
    void reply(const std::string& call, json body) {
        daemon.with([&](fake_operations& ops) { ops.replies[call] = std::move(body); });
    }
    void refuse(const std::string& call, errc code, const std::string& why) {
        daemon.with([&](fake_operations& ops) { ops.errors[call] = error{code, why}; });
    }
    void become(const std::string& call, json body) {
        daemon.with([&](fake_operations& ops) {
            ops.replies[call] = std::move(body);
            ops.change();
        });
    }
    std::vector<std::string> calls() {
        std::vector<std::string> out;
        daemon.with([&](fake_operations& ops) { out = ops.calls; });
        return out;
    }
    control::run_order order() {
        control::run_order out;
        daemon.with([&](fake_operations& ops) { out = ops.order; });
        return out;
    }
};

} // namespace enrichd::test
