// The C library's calls that change a disk, as the linker finds them here first: ours and libsqlite3's. Of
// the programs, not of the library, as it takes the place of functions of the C library.
// SPDX-License-Identifier: Apache-2.0
#undef _FORTIFY_SOURCE // its headers define open() themselves
#include "tests/faults/sim/disk_recorder.hpp"
#include "tests/faults/sim/mortal.hpp"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace enrichd::faults;

namespace {

// A call of a dead machine fails, so that its caller unwinds; what it then does has no effect either.
int no_more() {
    errno = EIO;
    return -1;
}

template <class Which, class Real, class Tell>
auto recorded(const Which& which, Real real, Tell tell) -> decltype(real()) {
    auto* disk = disk_recorder::current();
    if (!disk || !disk->covers(which)) return real();
    if (disk->is_dead()) return no_more();
    const auto came_of_it = real();
    if (came_of_it < 0) return came_of_it;
    return tell(*disk, came_of_it) ? no_more() : came_of_it;
}

int open_file(const char* path, int flags, mode_t mode) {
    const auto real = [&] { return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode)); };
    const bool changes = (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0;
    auto* disk = disk_recorder::current();
    if (!disk || !disk->covers(std::string_view(path))) return real();
    if (disk->is_dead() && changes) return no_more();
    const int fd = real();
    if (fd < 0 || !disk->opened(fd, path, flags)) return fd;
    close(fd);
    return no_more();
}

ssize_t write_at(int fd, const void* bytes, size_t count, off_t at) {
    const auto real = [&] { return static_cast<ssize_t>(syscall(SYS_pwrite64, fd, bytes, count, at)); };
    return recorded(fd, real, [&](disk_recorder& disk, ssize_t n) {
        return disk.wrote(fd, static_cast<std::uint64_t>(at),
                          {static_cast<const char*>(bytes), static_cast<size_t>(n)});
    });
}

int cut(int fd, off_t size) {
    return recorded(
        fd, [&] { return static_cast<int>(syscall(SYS_ftruncate, fd, size)); },
        [&](disk_recorder& disk, int) { return disk.truncated(fd, static_cast<std::uint64_t>(size)); });
}

// Nothing is synced in truth: a case's folder is in memory, and the model knows what would be lost.
int sync_model(int fd) {
    return recorded(
        fd, [] { return 0; }, [&](disk_recorder& disk, int) { return disk.synced(fd); });
}

int remove_name(const char* path, int flags) {
    return recorded(
        std::string_view(path),
        [&] { return static_cast<int>(syscall(SYS_unlinkat, AT_FDCWD, path, flags)); },
        [&](disk_recorder& disk, int) { return disk.removed(path); });
}

mode_t mode_of(int flags, std::va_list more) {
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
}

} // namespace

extern "C" int open(const char* path, int flags, ...) {
    std::va_list more;
    va_start(more, flags);
    const auto mode = mode_of(flags, more);
    va_end(more);
    return open_file(path, flags, mode);
}

extern "C" int open64(const char* path, int flags, ...) {
    std::va_list more;
    va_start(more, flags);
    const auto mode = mode_of(flags, more);
    va_end(more);
    return open_file(path, flags, mode);
}

extern "C" int close(int fd) {
    if (auto* disk = disk_recorder::current()) disk->closed(fd);
    return static_cast<int>(syscall(SYS_close, fd));
}

extern "C" ssize_t write(int fd, const void* bytes, size_t count) {
    const auto real = [&] { return static_cast<ssize_t>(syscall(SYS_write, fd, bytes, count)); };
    return recorded(fd, real, [&](disk_recorder& disk, ssize_t n) {
        const auto end = lseek(fd, 0, SEEK_CUR);
        return disk.wrote(fd, static_cast<std::uint64_t>(end - n),
                          {static_cast<const char*>(bytes), static_cast<size_t>(n)});
    });
}

extern "C" ssize_t pwrite(int fd, const void* bytes, size_t count, off_t at) {
    return write_at(fd, bytes, count, at);
}

extern "C" ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t at) {
    return write_at(fd, bytes, count, at);
}

extern "C" int ftruncate(int fd, off_t size) noexcept {
    return cut(fd, size);
}

extern "C" int ftruncate64(int fd, off64_t size) noexcept {
    return cut(fd, size);
}

extern "C" int fsync(int fd) {
    if (mortal_disk::dies_syncing(fd, moment::before)) return no_more();
    const int synced = sync_model(fd);
    return mortal_disk::dies_syncing(fd, moment::after) ? no_more() : synced;
}

extern "C" int fdatasync(int fd) {
    return sync_model(fd);
}

extern "C" int rename(const char* from, const char* to) noexcept {
    if (mortal_disk::dies_renaming(to, moment::before)) return no_more();
    const int renamed = recorded(
        std::string_view(to), [&] { return static_cast<int>(syscall(SYS_rename, from, to)); },
        [&](disk_recorder& disk, int) { return disk.renamed(from, to); });
    return mortal_disk::dies_renaming(to, moment::after) ? no_more() : renamed;
}

extern "C" int unlink(const char* path) noexcept {
    return remove_name(path, 0);
}

extern "C" int rmdir(const char* path) noexcept {
    return remove_name(path, AT_REMOVEDIR);
}

extern "C" int remove(const char* path) noexcept {
    struct stat found {};
    if (lstat(path, &found) != 0) return -1;
    return remove_name(path, S_ISDIR(found.st_mode) ? AT_REMOVEDIR : 0);
}

extern "C" int mkdir(const char* path, mode_t mode) noexcept {
    return recorded(
        std::string_view(path), [&] { return static_cast<int>(syscall(SYS_mkdirat, AT_FDCWD, path, mode)); },
        [&](disk_recorder& disk, int) { return disk.made_folder(path); });
}

extern "C" int symlink(const char* to, const char* path) noexcept {
    return recorded(
        std::string_view(path), [&] { return static_cast<int>(syscall(SYS_symlinkat, to, AT_FDCWD, path)); },
        [&](disk_recorder& disk, int) { return disk.linked(to, path); });
}
