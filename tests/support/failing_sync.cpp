// LD_PRELOAD: while the file $FAILING_SYNC is there, syncing fails as on a broken disk.
// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstdlib>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

int sync_or_fail(long call, int fd) {
    const char* while_there = std::getenv("FAILING_SYNC");
    if (while_there && access(while_there, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    return static_cast<int>(syscall(call, fd));
}

} // namespace

extern "C" int fsync(int fd) {
    return sync_or_fail(SYS_fsync, fd);
}

extern "C" int fdatasync(int fd) {
    return sync_or_fail(SYS_fdatasync, fd);
}
