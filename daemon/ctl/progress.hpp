// Progress on standard error: one line that is drawn again on a terminal, plain lines otherwise.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/ctl/terminal.hpp"
#include "daemon/ctl/wire.hpp"

#include <string>

namespace enrichd::ctl {

class progress {
public:
    /// Silent: only notes are shown.
    progress(const terminal& term, bool silent) : term_(term), silent_(silent) {}
    ~progress() { clear(); }
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;

    void show(const run_view& run);
    void show(const job_view& job);

    /// A line of its own that stays, such as "the daemon is back".
    void note(const std::string& text);

    /// Takes the drawn line away, before anything else is printed.
    void clear();

private:
    void draw(const std::string& what, double part);
    void tell(const std::string& obstacle);

    const terminal& term_;
    bool silent_;
    bool drawn_ = false;
    std::string last_;     ///< the last plain line; the same is not said twice
    std::string obstacle_; ///< the last one told on a terminal
};

} // namespace enrichd::ctl
