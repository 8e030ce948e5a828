// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/mutants/mutant.hpp"

#include <string>

namespace enrichd::faults {

namespace {

std::string& switched_on() {
    static std::string name;
    return name;
}

} // namespace

bool is_mutant(std::string_view name) {
    return switched_on() == name;
}

void become_mutant(std::string_view name) {
    switched_on() = name;
}

} // namespace enrichd::faults
