// The models that the sandbox plays: what each accepts, as its maker documents it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace enrichd::sandbox {

/// On purpose not the daemon's own table: a stand-in that shared the client's beliefs could not correct them.
struct played_model {
    std::string_view name;
    std::string_view snapshot; ///< what replies call it
    bool embeds = false;       ///< /v1/embeddings; else /v1/chat/completions
    bool o200k = true;         ///< tokenizer o200k_base; else cl100k_base
    std::uint32_t context_tokens = 0;
    std::uint32_t output_tokens = 0; ///< the most that may be asked for
    bool reasons = false;            ///< no max_tokens; temperature only without reasoning
    bool may_not_reason = false;     ///< accepts reasoning_effort "none"
    std::uint32_t dimensions = 0;    ///< the model's own
    bool accepts_dimensions = false;
    std::string_view shutdown_date; ///< empty: none announced
};

std::span<const played_model> played_models();

/// By name or snapshot; null for a model that is not played.
const played_model* find_model(std::string_view name);

} // namespace enrichd::sandbox
