// SPDX-License-Identifier: Apache-2.0
#include "core/model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>
#include <vector>

#include "core/model_file.hpp"
#include "core/suggest.hpp"

extern "C" const unsigned char enrichd_models_toml_begin[], enrichd_models_toml_end[];

namespace enrichd {

model_catalogue model_catalogue::built_in() {
    const std::string_view text(
        reinterpret_cast<const char*>(enrichd_models_toml_begin),
        static_cast<std::size_t>(enrichd_models_toml_end - enrichd_models_toml_begin));
    model_catalogue catalogue;
    catalogue.models_ = read_models({}, text, "core/data/models.toml").value();
    return catalogue;
}

result<void> model_catalogue::overlay(std::string_view toml, std::string_view file_name) {
    auto models = read_models(models_, toml, file_name);
    if (!models) return models.error();
    models_ = std::move(*models);
    overlay_file_ = file_name;
    return {};
}

result<model> model_catalogue::find(std::string_view name, kind k) const {
    const auto at = models_.find(name);
    if (at != models_.end() && at->second.kind == k) return at->second;

    std::vector<std::string> known;
    for (const auto& [known_name, m] : models_)
        if (m.kind == k) known.push_back(known_name);
    const auto what = at != models_.end() ? fmt::format("the model \"{}\" is for {}, not for {}", name,
                                                        enrichd::name(at->second.kind), enrichd::name(k))
                                          : fmt::format("unknown model \"{}\" for {}{}", name,
                                                        enrichd::name(k), did_you_mean(name, known));
    const auto where =
        overlay_file_.empty()
            ? std::string("a file of your own, and name it in the configuration as [models] file")
            : overlay_file_;
    return error{
        errc::invalid_input,
        fmt::format("{}; known are {}. Prices and request fields of another must be given, never guessed: "
                    "add a table [models.\"{}\"] to {} (docs/configuration.md, \"Models\")",
                    what, fmt::join(known, ", "), name, where)};
}

} // namespace enrichd
