// The spool's fsync() and rename(), as the linker finds them here first.
// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim/mortal.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fmt/format.h>
#include <string_view>
#include <sys/syscall.h>
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

// A call of a dead machine fails, so that its caller unwinds; what it then does has no effect either.
template <class F>
int call(const fail_point& p, F real) {
    auto* f = of_this_machine;
    if (f && f->ends_life(p, moment::before)) {
        errno = EIO;
        return -1;
    }
    const int done = real();
    if (f && f->ends_life(p, moment::after)) {
        errno = EIO;
        return -1;
    }
    return done;
}

} // namespace

mortal_disk::mortal_disk(fate& f) {
    of_this_machine = &f;
}

mortal_disk::~mortal_disk() {
    of_this_machine = nullptr;
}

} // namespace enrichd::faults

using namespace enrichd::faults;

// The simulated disk keeps what was written: losing what was not synced is tested elsewhere, image by image.
extern "C" int fsync(int fd) {
    if (!of_this_machine || !is_spool(fd)) return static_cast<int>(syscall(SYS_fdatasync, fd));
    return call(sync_point, [] { return 0; });
}

extern "C" int rename(const char* from, const char* to) noexcept {
    const auto real = [&] { return static_cast<int>(syscall(SYS_rename, from, to)); };
    return of_this_machine && is_spool(std::string_view(to)) ? call(rename_point, real) : real();
}
