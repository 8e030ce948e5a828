// What the metadata of a batch says of us: enough to know it again without the ledger that made it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/kind.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace enrichd {

/// The API's limits of metadata (OpenAI API reference, "The batch object"): pairs, and characters of each.
inline constexpr std::size_t most_metadata_pairs = 16;
inline constexpr std::size_t longest_metadata_key = 64;
inline constexpr std::size_t longest_metadata_value = 512;

struct batch_label {
    std::string submission;   ///< the submission's id
    std::string installation; ///< of the ledger that made it
    std::string job;          ///< its id there
    std::optional<enrichd::kind> kind;
    std::string version;         ///< of the values; with kind and text it makes the custom_ids
    std::string sha256;          ///< of the request file, in hex
    std::string target;          ///< target_mark() of the rows' target
    bool refresh_legacy = false; ///< rows of the original module are overwritten
    bool keep_versions = false;  ///< rows with a value of another version are left alone
};

/// Sixteen hexadecimal digits that tell targets apart, and say no name of a host or table to the provider.
std::string target_mark(std::string_view identity);

/// A value as metadata can hold it: what is beyond its length is cut off.
std::string metadata_value(std::string_view text);

std::map<std::string, std::string> to_metadata(const batch_label& label);

/// Absent where a batch is not of enrichd. What is missing, or not understood, stays empty.
std::optional<batch_label> read_label(const std::map<std::string, std::string>& metadata);

} // namespace enrichd
