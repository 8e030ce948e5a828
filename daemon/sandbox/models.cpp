// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/models.hpp"

namespace enrichd::sandbox {

namespace {

played_model chat(std::string_view name, std::string_view snapshot, std::uint32_t context,
                  std::uint32_t output, std::string_view shutdown = {}) {
    played_model m;
    m.name = name;
    m.snapshot = snapshot;
    m.context_tokens = context;
    m.output_tokens = output;
    m.shutdown_date = shutdown;
    return m;
}

played_model reasoning(std::string_view name, std::string_view snapshot, std::uint32_t context,
                       bool may_not_reason, std::string_view shutdown = {}) {
    auto m = chat(name, snapshot, context, 128'000, shutdown);
    m.reasons = true;
    m.may_not_reason = may_not_reason;
    return m;
}

played_model embedding(std::string_view name, std::string_view snapshot, std::uint32_t dimensions,
                       bool shorter) {
    played_model m;
    m.name = name;
    m.snapshot = snapshot;
    m.embeds = true;
    m.o200k = false;
    m.context_tokens = 8192;
    m.dimensions = dimensions;
    m.accepts_dimensions = shorter;
    return m;
}

// The vendor's model and deprecation pages (platform.openai.com/docs/models, .../deprecations), November
// 2026. The context of the gpt-5.1 to gpt-5.6 family is that of gpt-5, that of gpt-6 and 6.1 the published
// one of gpt-6-luna. Models that are shut down are not here: asking for one is model_not_found.
const played_model table[] = {
    chat("gpt-4o-mini", "gpt-4o-mini-2024-07-18", 128'000, 16'384, "2027-01-14"),
    chat("gpt-4o", "gpt-4o-2024-08-06", 128'000, 16'384, "2027-01-14"),
    chat("gpt-4.1", "gpt-4.1-2025-04-14", 1'047'576, 32'768, "2027-01-14"),
    chat("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", 1'047'576, 32'768, "2027-01-14"),
    reasoning("gpt-5", "gpt-5-2025-08-07", 400'000, false, "2026-12-11"),
    reasoning("gpt-5-mini", "gpt-5-mini-2025-08-07", 400'000, false, "2026-12-11"),
    reasoning("gpt-5-nano", "gpt-5-nano-2025-08-07", 400'000, false, "2026-12-11"),
    reasoning("gpt-5.1", "gpt-5.1-2025-11-13", 400'000, true, "2027-04-01"),
    reasoning("gpt-5.4", "gpt-5.4", 400'000, true),
    reasoning("gpt-5.4-mini", "gpt-5.4-mini", 400'000, true),
    reasoning("gpt-5.4-nano", "gpt-5.4-nano", 400'000, true, "2027-04-01"),
    reasoning("gpt-5.5", "gpt-5.5", 400'000, true),
    reasoning("gpt-5.6-luna", "gpt-5.6-luna", 400'000, true),
    reasoning("gpt-5.6-terra", "gpt-5.6-terra", 400'000, true),
    reasoning("gpt-5.6-sol", "gpt-5.6-sol", 400'000, true),
    reasoning("gpt-6-luna", "gpt-6-luna", 1'050'000, true),
    reasoning("gpt-6-sol", "gpt-6-sol", 1'050'000, true),
    reasoning("gpt-6.1-terra", "gpt-6.1-terra", 1'050'000, true),
    reasoning("gpt-6.1-sol", "gpt-6.1-sol", 1'050'000, true),
    embedding("text-embedding-3-small", "text-embedding-3-small", 1536, true),
    embedding("text-embedding-3-large", "text-embedding-3-large", 3072, true),
    embedding("text-embedding-ada-002", "text-embedding-ada-002-v2", 1536, false),
};

} // namespace

std::span<const played_model> played_models() {
    return table;
}

const played_model* find_model(std::string_view name) {
    for (const auto& m : table)
        if (m.name == name || m.snapshot == name) return &m;
    return nullptr;
}

} // namespace enrichd::sandbox
