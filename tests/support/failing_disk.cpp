// SPDX-License-Identifier: Apache-2.0
#include "tests/support/failing_disk.hpp"

#include <sqlite3.h>

#include <cstring>
#include <new>

namespace enrichd::test {

namespace {

struct faults {
    bool writes_fail = false;
    bool syncs_fail = false;
    failing_disk::how how = failing_disk::broken;
    failing_disk::which which = failing_disk::all;
    std::int64_t writes = 0;
    std::int64_t syncs = 0;
} now;

sqlite3_vfs* real = nullptr;
sqlite3_vfs shim;

// The real file lies behind ours in the memory that SQLite gives.
struct shim_file {
    sqlite3_file base;
    bool is_log;

    static shim_file* of(sqlite3_file* f) { return reinterpret_cast<shim_file*>(f); }
    static sqlite3_file* real_of(sqlite3_file* f) { return reinterpret_cast<sqlite3_file*>(of(f) + 1); }
};

template <class... Args>
int forward(int (*sqlite3_io_methods::*call)(sqlite3_file*, Args...), sqlite3_file* f, Args... args) {
    auto* r = shim_file::real_of(f);
    return (r->pMethods->*call)(r, args...);
}

using io = sqlite3_io_methods;

int write_file(sqlite3_file* f, const void* bytes, int n, sqlite3_int64 at) {
    ++now.writes;
    if (now.writes_fail) return now.how == failing_disk::full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    return forward<const void*, int, sqlite3_int64>(&io::xWrite, f, bytes, n, at);
}

int sync_file(sqlite3_file* f, int flags) {
    ++now.syncs;
    const bool meant = now.which == failing_disk::all || !shim_file::of(f)->is_log;
    if (now.syncs_fail && meant) return SQLITE_IOERR_FSYNC;
    return forward<int>(&io::xSync, f, flags);
}

const sqlite3_io_methods methods = {
    2,
    [](sqlite3_file* f) { return forward<>(&io::xClose, f); },
    [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
        return forward<void*, int, sqlite3_int64>(&io::xRead, f, to, n, at);
    },
    write_file,
    [](sqlite3_file* f, sqlite3_int64 n) { return forward<sqlite3_int64>(&io::xTruncate, f, n); },
    sync_file,
    [](sqlite3_file* f, sqlite3_int64* n) { return forward<sqlite3_int64*>(&io::xFileSize, f, n); },
    [](sqlite3_file* f, int n) { return forward<int>(&io::xLock, f, n); },
    [](sqlite3_file* f, int n) { return forward<int>(&io::xUnlock, f, n); },
    [](sqlite3_file* f, int* n) { return forward<int*>(&io::xCheckReservedLock, f, n); },
    [](sqlite3_file* f, int op, void* arg) { return forward<int, void*>(&io::xFileControl, f, op, arg); },
    [](sqlite3_file* f) { return forward<>(&io::xSectorSize, f); },
    [](sqlite3_file* f) { return forward<>(&io::xDeviceCharacteristics, f); },
    [](sqlite3_file* f, int region, int size, int extend, void volatile** to) {
        return forward<int, int, int, void volatile**>(&io::xShmMap, f, region, size, extend, to);
    },
    [](sqlite3_file* f, int offset, int n, int flags) {
        return forward<int, int, int>(&io::xShmLock, f, offset, n, flags);
    },
    [](sqlite3_file* f) {
        auto* r = shim_file::real_of(f);
        r->pMethods->xShmBarrier(r);
    },
    [](sqlite3_file* f, int remove) { return forward<int>(&io::xShmUnmap, f, remove); },
    nullptr,
    nullptr,
};

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* f, int flags, int* out) {
    auto* file = new (f) shim_file{};
    file->is_log = (flags & SQLITE_OPEN_WAL) != 0;
    const int code = real->xOpen(real, name, shim_file::real_of(f), flags, out);
    if (shim_file::real_of(f)->pMethods) f->pMethods = &methods;
    return code;
}

} // namespace

failing_disk::failing_disk() {
    now = {};
    real = sqlite3_vfs_find(nullptr);
    shim = *real; // but for opening, the real one's own functions: they do not look at the object
    shim.zName = "enrichd-failing-disk";
    shim.szOsFile = static_cast<int>(sizeof(shim_file)) + real->szOsFile;
    shim.pNext = nullptr;
    shim.xOpen = open_file;
    sqlite3_vfs_register(&shim, 1);
}

failing_disk::~failing_disk() {
    sqlite3_vfs_unregister(&shim);
    sqlite3_vfs_register(real, 1);
}

void failing_disk::fail_writes(how h) {
    now.writes_fail = true;
    now.how = h;
}

void failing_disk::fail_syncs(which w) {
    now.syncs_fail = true;
    now.which = w;
}

void failing_disk::heal() {
    now.writes_fail = now.syncs_fail = false;
}

std::int64_t failing_disk::writes() const {
    return now.writes;
}

std::int64_t failing_disk::syncs() const {
    return now.syncs;
}

} // namespace enrichd::test
