// SPDX-License-Identifier: Apache-2.0
#include "core/kind.hpp"

namespace enrichd {

std::string_view name(kind k) {
    return k == kind::summaries ? "summaries" : "embeddings";
}

std::optional<kind> parse_kind(std::string_view word) {
    for (kind k : all_kinds)
        if (word == name(k)) return k;
    return std::nullopt;
}

std::string_view endpoint(kind k) {
    return k == kind::summaries ? "/v1/chat/completions" : "/v1/embeddings";
}

} // namespace enrichd
