// SPDX-License-Identifier: Apache-2.0
#include "core/unicode_kinds.hpp"

namespace enrichd::detail {

namespace {

// In the order of the classes in data/generate_kinds.mjs.
constexpr std::array<unicode_kind, 8> kind_codes = {kind_other, kind_upper,  kind_lower,   kind_caseless,
                                                    kind_mark,  kind_number, kind_newline, kind_space};

constexpr std::uint32_t changes[] = {
#include "core/unicode_kinds.inc"
};

// Written out at compile time: nothing to do at start, and the pages are shared between processes.
constexpr kind_table expand() {
    kind_table table;
    const auto uniform = table.blocks.size() - kind_codes.size(); // where the shared blocks begin
    for (std::size_t i = 0; i < kind_codes.size(); ++i)
        table.blocks[uniform + i].fill(kind_codes[i]);

    std::size_t used = 0;
    std::size_t change = 0; // the next one that has not begun yet
    std::uint8_t code = 0;
    for (std::size_t block = 0; block < kind_block_count; ++block) {
        const auto start = block * kind_block_size;
        const auto begins_before = [&](std::size_t value) {
            return change < std::size(changes) && (changes[change] >> 3) < value;
        };
        while (begins_before(start + 1))
            code = changes[change++] & 7U;
        if (!begins_before(start + kind_block_size)) {
            table.block_of[block] = static_cast<std::uint8_t>(uniform + code);
            continue;
        }
        auto& mixed = table.blocks[used];
        table.block_of[block] = static_cast<std::uint8_t>(used++);
        for (std::size_t i = 0; i < kind_block_size; ++i) {
            if (begins_before(start + i + 1)) code = changes[change++] & 7U;
            mixed[i] = kind_codes[code];
        }
    }
    return table;
}

} // namespace

constexpr kind_table kinds = expand();

} // namespace enrichd::detail
