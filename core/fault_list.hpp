// The faults of one file, so that all of them are told at once.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/json_edge.hpp"

namespace enrichd {

/// Lines of the form "file:line: key: expected ..., got ...", fit to be shown whatever the file holds.
class fault_list {
public:
    explicit fault_list(std::string_view file) : file_(file) {}

    void add(std::uint32_t line, std::string_view key, std::string_view expected, std::string_view got) {
        lines_.push_back(fmt::format("{}:{}: {}: expected {}, got {}", file_, line, safe_excerpt(key),
                                     expected, safe_excerpt(got)));
    }
    bool empty() const { return lines_.empty(); }
    std::string text() const { return fmt::format("{}", fmt::join(lines_, "\n")); }

private:
    std::string file_;
    std::vector<std::string> lines_;
};

} // namespace enrichd
