// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/embedding_request.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace enrichd::sandbox {

namespace {

using nlohmann::json;

api_error invalid_input(std::string message) {
    return {400, std::move(message), "input"};
}

// A text, or a list of token ids.
checked<embedding_input> read_input(const json& item, token_bench& bench) {
    embedding_input input;
    if (item.is_string()) {
        input.text = item.get<std::string>();
        if (input.text.empty()) return invalid_input("Invalid 'input': input cannot be an empty string.");
        input.tokens = bench.count(token_table::cl100k_base, input.text);
        return input;
    }
    std::vector<std::uint32_t> ids;
    for (const auto& id : item) {
        if (!id.is_number_unsigned())
            return invalid_input(
                "Invalid 'input': expected a string, an array of strings, an array of tokens, or an "
                "array of arrays of tokens.");
        ids.push_back(
            static_cast<std::uint32_t>(std::min<std::uint64_t>(id.get<std::uint64_t>(), UINT32_MAX)));
    }
    if (ids.empty()) return invalid_input("Invalid 'input': input cannot be an empty array.");
    auto text = bench.text_of(token_table::cl100k_base, ids);
    if (!text) return invalid_input("Invalid 'input': a token id is out of range.");
    input.text = std::move(*text);
    input.tokens = ids.size();
    return input;
}

checked<std::vector<embedding_input>> read_inputs(const json& body, const played_model& model,
                                                  token_bench& bench) {
    const auto at = body.find("input");
    if (at == body.end() || at->is_null()) return invalid_input("Missing required parameter: 'input'.");
    const bool one = at->is_string() || (at->is_array() && !at->empty() && at->front().is_number());
    if (!one && !at->is_array()) return invalid_input("Invalid 'input': expected a string or an array.");
    if (!one && at->empty()) return invalid_input("Invalid 'input': input cannot be an empty array.");
    if (at->is_array() && !one && at->size() > max_inputs)
        return invalid_input(
            fmt::format("Invalid 'input': maximum array length {}, but got {}.", max_inputs, at->size()));

    std::vector<embedding_input> inputs;
    std::size_t total = 0;
    for (std::size_t i = 0; i < (one ? 1 : at->size()); ++i) {
        const json& item = one ? *at : (*at)[i];
        if (!item.is_string() && !item.is_array())
            return invalid_input(
                fmt::format("Invalid 'input[{}]': expected a string or an array of tokens.", i));
        auto input = read_input(item, bench);
        if (!input) return input.error();
        if (input->tokens > model.context_tokens)
            return invalid_input(
                fmt::format("This model's maximum context length is {} tokens, however you requested "
                            "{} tokens ({} in your prompt; 0 for the completion). Please reduce your "
                            "prompt; or completion length.",
                            model.context_tokens, input->tokens, input->tokens));
        total += input->tokens;
        inputs.push_back(std::move(*input));
    }
    if (total > max_request_tokens)
        return api_error{
            400,
            fmt::format("Requested {} tokens, max {} tokens per request", total, max_request_tokens),
            {},
            "max_tokens_per_request",
            "max_tokens_per_request"};
    return inputs;
}

checked<std::uint32_t> read_dimensions(const json& body, const played_model& model) {
    const auto at = body.find("dimensions");
    if (at == body.end() || at->is_null()) return std::uint32_t{model.dimensions};
    if (!model.accepts_dimensions)
        return api_error{400, "This model does not support specifying dimensions."};
    const auto value = at->is_number_integer() ? at->get<std::int64_t>() : 0;
    if (value < 1 || value > model.dimensions)
        return api_error{400,
                         fmt::format("Invalid value for 'dimensions' = {}. Must be an integer from 1 to {}.",
                                     at->dump(), model.dimensions),
                         "dimensions"};
    return static_cast<std::uint32_t>(value);
}

} // namespace

checked<embedding_request> read_embedding_request(const json& body, token_bench& bench) {
    static constexpr std::array known = {"model", "input", "encoding_format", "dimensions", "user"};
    if (!body.is_object())
        return api_error{400, "Invalid type for the request body: expected an object.", "body",
                         "invalid_type"};
    embedding_request request;
    const auto model = named_model(body, true);
    if (!model) return model.error();
    request.model = *model;
    for (const auto& [name, value] : body.items())
        if (std::find(known.begin(), known.end(), name) == known.end())
            return api_error{400, fmt::format("Unrecognized request argument supplied: {}", name)};
    const auto format = body.value("encoding_format", json("float"));
    if (format != "float" && format != "base64")
        return api_error{
            400,
            fmt::format("Invalid value for 'encoding_format' = {}. Expected one of: float, base64.",
                        format.dump()),
            "encoding_format"};
    request.base64 = format == "base64";
    const auto dimensions = read_dimensions(body, **model);
    if (!dimensions) return dimensions.error();
    request.dimensions = *dimensions;
    auto inputs = read_inputs(body, **model, bench);
    if (!inputs) return inputs.error();
    request.inputs = std::move(*inputs);
    return request;
}

} // namespace enrichd::sandbox
