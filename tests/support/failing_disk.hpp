// A disk that fails on demand, under every SQLite file that is opened while it is there.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace enrichd::test {

/// Stands before SQLite's default VFS (https://www.sqlite.org/vfs.html). One at a time.
class failing_disk {
public:
    enum how { full, broken };       ///< SQLITE_FULL, or an I/O error
    enum which { all, ledger_only }; ///< ledger_only: not the log beside it

    failing_disk();
    ~failing_disk();
    failing_disk(const failing_disk&) = delete;
    failing_disk& operator=(const failing_disk&) = delete;

    void fail_writes(how h = broken);
    void fail_syncs(which w = all);
    void heal();

    std::int64_t writes() const; ///< tried so far, failed ones too
    std::int64_t syncs() const;
};

} // namespace enrichd::test
