// What happens to a round's database while enrichd works: faults that are healed later, and other people.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/faults/killer/news.hpp"

#include <functional>
#include <string>
#include <vector>

namespace enrichd::killer {

class mischief {
public:
    /// `say` is told what was done.
    mischief(news& n, std::function<void(const std::string&)> say) : news_(n), say_(std::move(say)) {}

    /// Begins a fault that is not there yet, or heals one.
    void go_on(chance& c);
    /// Another program or person changes a row.
    void touch_row(chance& c);
    /// The server crashes, and is back a while later.
    void crash_server(chance& c);
    /// All is as it was; throws std::runtime_error if that cannot be done.
    void heal_all();

    int stops() const { return stops_; }

private:
    void begin(const trick& t);
    void heal(const trick& t);
    void hold_rows();
    void let_go();

    news& news_;
    std::function<void(const std::string&)> say_;
    std::vector<trick> active_;
    bool holds_ = false;
    int stops_ = 0;
};

} // namespace enrichd::killer
