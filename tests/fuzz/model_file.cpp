// A user's file of models over the built-in table: all or nothing, and no value out of its bounds.
// SPDX-License-Identifier: Apache-2.0
#include "core/model.hpp"

#include "core/model_file.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

namespace {

void check_price(const token_price& p) {
    for (const auto m : {p.input, p.cached_input, p.output})
        fuzz::require(m.picodollars >= 0 && m.picodollars < picodollars_per_dollar,
                      "a token costs less than $1");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto built_in = model_catalogue::built_in().all();
    const auto models = read_models(built_in, fuzz::text_of(data, size), "models.toml");
    if (!models) {
        fuzz::require(models.error().code == errc::invalid_input, "a wrong file is invalid input");
        fuzz::require(fuzz::is_presentable(models.error().detail, "\n"), "complaints can be shown");
        return 0;
    }
    fuzz::require(models->size() >= built_in.size(), "no model is lost");
    for (const auto& [name, m] : *models) {
        fuzz::require(name == m.name && !name.empty(), "a model knows its name");
        fuzz::require(m.tokenizer == "cl100k_base" || m.tokenizer == "o200k_base", "its tokenizer is known");
        fuzz::require(m.headroom_percent >= 0 && m.headroom_percent <= 1000, "headroom is a percentage");
        check_price(m.batch);
        if (m.standard) check_price(*m.standard);
        if (m.kind == kind::embeddings) fuzz::require(m.dimensions > 0, "vectors have dimensions");
    }
    return 0;
}
