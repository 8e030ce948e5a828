// A hash table of numbers whose keys are kept elsewhere.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace enrichd {

/// Open addressing, four bytes an entry: 14 bits of the key's hash, to pass over nearly all that is not
/// sought, above 18 bits of the number plus one. It never grows: some 40 % full, so that a search ends soon
/// where nothing is found.
class id_table {
public:
    static constexpr std::uint32_t none = 0xFFFFFFFFU;

    explicit id_table(std::size_t count)
        : entries_(std::bit_ceil(count * 5 / 2)),
          shift_(64U - static_cast<unsigned>(std::countr_zero(entries_.size()))) {
        assert(count < id_mask);
    }

    /// Starts to fetch where this hash's entry is. Entering some hundred thousand is waiting for memory,
    /// mostly.
    void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(&entries_[hash >> shift_], 1); }

    void enter(std::uint32_t id, std::uint64_t hash) noexcept {
        auto slot = hash >> shift_;
        while (entries_[slot] != 0)
            slot = next(slot);
        entries_[slot] = (static_cast<std::uint32_t>(hash) & tag_mask) | (id + 1);
    }

    /// The number with this hash of which is_it(number) holds, or none.
    template <class Test>
    std::uint32_t find(std::uint64_t hash, Test is_it) const noexcept {
        const auto tag = static_cast<std::uint32_t>(hash) & tag_mask;
        for (auto slot = hash >> shift_; entries_[slot] != 0; slot = next(slot)) {
            const auto id = (entries_[slot] & id_mask) - 1;
            if ((entries_[slot] & tag_mask) == tag && is_it(id)) return id;
        }
        return none;
    }

private:
    static constexpr std::uint32_t id_mask = (1U << 18) - 1;
    static constexpr std::uint32_t tag_mask = ~id_mask;

    std::size_t next(std::size_t slot) const noexcept { return (slot + 1) & (entries_.size() - 1); }

    std::vector<std::uint32_t> entries_;
    unsigned shift_; // from a hash to a slot
};

} // namespace enrichd
