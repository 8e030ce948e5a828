// The points of the spool's fsync() and rename(), which disk_calls.cpp passes.
// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim/mortal.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <unistd.h>

namespace enrichd::faults {

namespace {

const fail_point sync_point("spool.fsync");
const fail_point rename_point("spool.rename");

fate* of_this_machine = nullptr;

// The ledger's own calls have points of their own: its commits.
bool is_spool(std::string_view path) {
    return path.find("/batch") != std::string_view::npos || path.find("/output/") != std::string_view::npos;
}

bool is_spool(int fd) {
    std::array<char, 512> path{};
    const auto n = readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), path.data(), path.size());
    return n > 0 && is_spool(std::string_view(path.data(), static_cast<std::size_t>(n)));
}

} // namespace

mortal_disk::mortal_disk(fate& f) {
    of_this_machine = &f;
}

mortal_disk::~mortal_disk() {
    of_this_machine = nullptr;
}

bool mortal_disk::dies_syncing(int fd, moment when) {
    return of_this_machine && is_spool(fd) && of_this_machine->ends_life(sync_point, when);
}

bool mortal_disk::dies_renaming(const char* to, moment when) {
    return of_this_machine && is_spool(std::string_view(to)) &&
           of_this_machine->ends_life(rename_point, when);
}

} // namespace enrichd::faults
