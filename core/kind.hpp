// The two kinds of enrichment.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace enrichd {

enum class kind { summaries, embeddings };

inline constexpr kind all_kinds[] = {kind::summaries, kind::embeddings};

/// "summaries" or "embeddings": the word in flags, ledger, JSON and journal.
std::string_view name(kind k);

/// The reverse of name(); nothing else is accepted.
std::optional<kind> parse_kind(std::string_view word);

/// The path that a batch of this kind names, e.g. "/v1/embeddings".
std::string_view endpoint(kind k);

} // namespace enrichd
