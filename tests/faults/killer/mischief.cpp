// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/killer/mischief.hpp"

#include "tests/faults/killer/victim.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

namespace enrichd::killer {

namespace {

constexpr int heal_tries = 20; // each waits some seconds for a lock of somebody else

} // namespace

void mischief::begin(const trick& t) {
    let_go(); // it would only wait for its own lock
    for (std::size_t i = 0; i < t.begin.size(); ++i) {
        try {
            news_.exec(t.begin[i]);
        } catch (const std::exception& e) {
            say_(fmt::format("{}: {}", t.name, e.what()));
            if (i == 0) return; // somebody else's lock was held too long: nothing was done
        }
    }
    say_(t.name);
    if (!t.heal.empty()) active_.push_back(t);
}

void mischief::heal(const trick& t) {
    news_.restart();
    for (const auto& sql : t.heal)
        for (int tries = 1;; ++tries) {
            try {
                news_.exec(sql);
                break;
            } catch (const std::exception&) {
                if (tries == heal_tries) throw;
                wait_ms(100);
            }
        }
    say_("healed: " + t.name);
}

void mischief::hold_rows() {
    try {
        news_.hold();
        holds_ = true;
        say_("the rows are locked");
    } catch (const std::exception& e) {
        say_(e.what());
    }
}

void mischief::let_go() {
    if (holds_) say_("the rows are free");
    news_.let_go();
    holds_ = false;
}

void mischief::go_on(chance& c) {
    if (holds_ && c.one_in(1.5)) return let_go();
    if (c.one_in(6)) return hold_rows();
    const auto all = news_.tricks();
    const auto& t = all[static_cast<std::size_t>(c.number(0, static_cast<std::int64_t>(all.size()) - 1))];
    const auto same =
        std::find_if(active_.begin(), active_.end(), [&](const auto& a) { return a.name == t.name; });
    if (same == active_.end() && active_.size() < 2) return begin(t);
    const auto healed = same == active_.end() ? active_.front() : *same;
    let_go();
    heal(healed);
    std::erase_if(active_, [&](const auto& a) { return a.name == healed.name; });
}

void mischief::touch_row(chance& c) {
    let_go();
    try {
        say_(c.one_in(2) ? news_.edit_row(c) : c.one_in(2) ? news_.delete_row(c) : news_.enrich_elsewhere(c));
    } catch (const std::exception& e) {
        say_(e.what()); // the column is away, or the server is
    }
}

void mischief::crash_server(chance& c) {
    let_go();
    news_.crash();
    ++stops_;
    say_("the server is stopped at once");
    wait_ms(c.number(0, 1500));
    news_.restart();
    say_("the server is back");
}

void mischief::heal_all() {
    let_go();
    news_.restart();
    for (const auto& t : active_)
        heal(t);
    active_.clear();
}

} // namespace enrichd::killer
