// What is done once a test program has ended, by whatever death.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace enrichd::test {

/// A shell's command that is run when this object is gone, or else the program: kill -9 too, and signals that
/// a terminal or a test driver sends to all of a group. A process of its own waits for that; it is nobody's
/// child.
class last_will {
public:
    /// Throws std::runtime_error.
    explicit last_will(const std::string& command);
    /// Returns when it is done.
    ~last_will();
    last_will(const last_will&) = delete;
    last_will& operator=(const last_will&) = delete;

private:
    int alive_ = -1; ///< whose other end reads the end when nobody has this one any more
    int done_ = -1;  ///< the same, the other way round
};

} // namespace enrichd::test
