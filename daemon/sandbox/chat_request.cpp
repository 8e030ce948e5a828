// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/chat_request.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace enrichd::sandbox {

namespace {

using nlohmann::json;

// Parameters of the API that this endpoint knows. Those that steer sampling are accepted and change nothing.
constexpr std::array known_parameters = {"audio",
                                         "frequency_penalty",
                                         "logit_bias",
                                         "logprobs",
                                         "max_completion_tokens",
                                         "max_tokens",
                                         "messages",
                                         "metadata",
                                         "modalities",
                                         "model",
                                         "n",
                                         "parallel_tool_calls",
                                         "prediction",
                                         "presence_penalty",
                                         "prompt_cache_key",
                                         "prompt_cache_retention",
                                         "reasoning_effort",
                                         "response_format",
                                         "safety_identifier",
                                         "seed",
                                         "service_tier",
                                         "stop",
                                         "store",
                                         "stream",
                                         "stream_options",
                                         "temperature",
                                         "tool_choice",
                                         "tools",
                                         "top_logprobs",
                                         "top_p",
                                         "user",
                                         "verbosity",
                                         "web_search_options"};

api_error bad(std::string param, std::string code, std::string message) {
    return {400, std::move(message), std::move(param), std::move(code)};
}

// A positive whole number, where there is one.
checked<std::optional<std::uint32_t>> positive(const json& body, const char* name) {
    const auto at = body.find(name);
    if (at == body.end() || at->is_null()) return std::optional<std::uint32_t>();
    if (!at->is_number_integer())
        return bad(name, "invalid_type",
                   fmt::format("Invalid type for '{}': expected an integer, but got {} instead.", name,
                               at->type_name()));
    const auto value = at->get<std::int64_t>();
    if (value < 1)
        return bad(
            name, "integer_below_min_value",
            fmt::format(
                "Invalid '{}': integer below minimum value. Expected a value >= 1, but got {} instead.", name,
                value));
    return std::optional(static_cast<std::uint32_t>(std::min<std::int64_t>(value, UINT32_MAX)));
}

checked<std::string> read_content(const json& message, std::size_t index) {
    const auto param = fmt::format("messages.[{}].content", index);
    const auto content = message.find("content");
    if (content != message.end() && content->is_string()) return content->get<std::string>();
    if (content == message.end() || !content->is_array())
        return bad(
            param, "invalid_type",
            fmt::format("Invalid type for '{}': expected one of a string or array of objects.", param));
    std::string text;
    for (const auto& part : *content) {
        const auto found = part.is_object() ? part.find("text") : part.end();
        if (!part.is_object() || found == part.end() || !found->is_string())
            return bad(param, "invalid_value",
                       fmt::format("Invalid '{}': enrich-sandbox plays parts of type 'text' only.", param));
        text += found->get<std::string>();
    }
    return text;
}

checked<std::vector<chat_message>> read_messages(const json& body) {
    static constexpr std::array roles = {"system", "developer", "user", "assistant", "tool", "function"};
    const auto list = body.find("messages");
    if (list == body.end())
        return bad("messages", "missing_required_parameter", "Missing required parameter: 'messages'.");
    if (!list->is_array())
        return bad("messages", "invalid_type", "Invalid type for 'messages': expected an array of objects.");
    if (list->empty())
        return bad(
            "messages", "empty_array",
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty "
            "array instead.");
    std::vector<chat_message> out;
    for (std::size_t i = 0; i < list->size(); ++i) {
        const auto& message = (*list)[i];
        const auto role = message.is_object() ? message.value("role", json()) : json();
        if (!role.is_string() ||
            std::find(roles.begin(), roles.end(), role.get<std::string>()) == roles.end())
            return bad(fmt::format("messages[{}].role", i), "invalid_value",
                       fmt::format("Invalid value for 'messages[{}].role'. Supported values are: 'system', "
                                   "'assistant', 'user', 'function', 'tool', and 'developer'.",
                                   i));
        auto text = read_content(message, i);
        if (!text) return text.error();
        out.push_back({role.get<std::string>(), std::move(*text)});
    }
    return out;
}

checked<std::uint32_t> read_cap(const json& body, const played_model& model) {
    const auto old_style = positive(body, "max_tokens");
    if (!old_style) return old_style.error();
    const auto new_style = positive(body, "max_completion_tokens");
    if (!new_style) return new_style.error();
    if (*old_style && model.reasons)
        return bad("max_tokens", "unsupported_parameter",
                   "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                   "'max_completion_tokens' instead.");
    if (*old_style && *new_style)
        return bad("max_tokens", "invalid_parameter_combination",
                   "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.");
    const auto name = *old_style ? "max_tokens" : "max_completion_tokens";
    const auto cap = *old_style ? **old_style : new_style->value_or(model.output_tokens);
    if (cap > model.output_tokens)
        return bad(
            name, "invalid_value",
            fmt::format(
                "{0} is too large: {1}. This model supports at most {2} completion tokens, whereas you "
                "provided {1}.",
                name, cap, model.output_tokens));
    return cap;
}

// The tokens that the model wants for its thoughts.
checked<std::uint32_t> read_effort(const json& body, const played_model& model) {
    struct level {
        std::string_view word;
        std::uint32_t tokens;
    };
    static constexpr level levels[] = {{"none", 0},   {"minimal", 0},  {"low", 64},  {"medium", 192},
                                       {"high", 512}, {"xhigh", 1024}, {"max", 2048}};
    const auto at = body.find("reasoning_effort");
    if (at == body.end() || at->is_null()) return model.reasons ? 192u : 0u;
    if (!model.reasons)
        return bad("reasoning_effort", "unsupported_parameter",
                   "Unsupported parameter: 'reasoning_effort' is not supported with this model.");
    const auto word = at->is_string() ? at->get<std::string>() : at->dump();
    // gpt-5 itself knows minimal and not none; its successors none and not minimal.
    const auto* unknown_here = model.may_not_reason ? "minimal" : "none";
    const bool beyond = !model.may_not_reason && (word == "xhigh" || word == "max");
    for (const auto& l : levels)
        if (l.word == word && word != unknown_here && !beyond) return l.tokens;
    return bad(
        "reasoning_effort", "unsupported_value",
        fmt::format("Unsupported value: 'reasoning_effort' does not support '{}' with this model. Supported "
                    "values are: {}.",
                    word,
                    model.may_not_reason ? "'none', 'low', 'medium', 'high', 'xhigh', and 'max'"
                                         : "'minimal', 'low', 'medium', and 'high'"));
}

checked<void> check_sampling(const json& body, const played_model& model, bool reasons_now) {
    struct range {
        const char* name;
        double low, high;
    };
    static constexpr range ranges[] = {
        {"temperature", 0, 2}, {"top_p", 0, 1}, {"presence_penalty", -2, 2}, {"frequency_penalty", -2, 2}};
    for (const auto& r : ranges) {
        const auto at = body.find(r.name);
        if (at == body.end() || at->is_null()) continue;
        const double value = at->is_number() ? at->get<double>() : r.low - 1;
        if (value < r.low || value > r.high)
            return bad(
                r.name, "invalid_value",
                fmt::format("Invalid '{}': expected a number between {} and {}.", r.name, r.low, r.high));
        const double normal = std::string_view(r.name).ends_with("penalty") ? 0 : 1;
        if (model.reasons && reasons_now && value != normal)
            return bad(
                r.name, "unsupported_value",
                fmt::format("Unsupported value: '{}' does not support {} with this model. Only the default "
                            "({}) value is supported.",
                            r.name, at->dump(), normal));
    }
    return {};
}

checked<void> check_played(const json& body, bool in_batch) {
    for (const auto& [name, value] : body.items())
        if (std::find(known_parameters.begin(), known_parameters.end(), name) == known_parameters.end())
            return bad(name, "unknown_parameter", fmt::format("Unknown parameter: '{}'.", name));
    if (const auto stream = body.find("stream"); stream != body.end() && *stream == true)
        return bad("stream", "unsupported_value",
                   in_batch ? "The 'stream' parameter is not supported in a batch."
                            : "enrich-sandbox does not stream completions; leave 'stream' out.");
    const auto format = body.find("response_format");
    if (format != body.end() && !format->is_null() &&
        !(format->is_object() && format->value("type", json()) == "text"))
        return bad("response_format", "unsupported_value",
                   "enrich-sandbox plays plain text only: leave 'response_format' out, or give {\"type\": "
                   "\"text\"}.");
    for (const char* name : {"tools", "functions", "audio"})
        if (const auto at = body.find(name); at != body.end() && !at->empty())
            return bad(name, "unsupported_value", fmt::format("enrich-sandbox does not play '{}'.", name));
    return {};
}

} // namespace

checked<const played_model*> named_model(const json& body, bool embeds) {
    const auto at = body.find("model");
    if (at == body.end() || !at->is_string() || at->get_ref<const std::string&>().empty())
        return api_error{400, "you must provide a model parameter"};
    const auto& name = at->get_ref<const std::string&>();
    const auto* model = find_model(name);
    if (!model)
        return api_error{404,
                         fmt::format("The model `{}` does not exist or you do not have access to it.", name),
                         {},
                         "model_not_found",
                         "invalid_request_error"};
    if (model->embeds != embeds)
        return api_error{
            embeds ? 403 : 404,
            embeds ? fmt::format("You are not allowed to generate embeddings from this model: {}", name)
                   : "This is not a chat model and thus not supported in the v1/chat/completions "
                     "endpoint. Did you mean to use v1/embeddings?",
            "model",
            {},
            "invalid_request_error"};
    return model;
}

checked<chat_request> read_chat_request(const json& body, bool in_batch) {
    if (!body.is_object())
        return bad("body", "invalid_type", "Invalid type for the request body: expected an object.");
    chat_request request;
    const auto model = named_model(body, false);
    if (!model) return model.error();
    request.model = *model;
    if (auto ok = check_played(body, in_batch); !ok) return ok.error();
    auto messages = read_messages(body);
    if (!messages) return messages.error();
    request.messages = std::move(*messages);
    const auto cap = read_cap(body, **model);
    if (!cap) return cap.error();
    request.cap = *cap;
    const auto effort = read_effort(body, **model);
    if (!effort) return effort.error();
    request.reasoning_tokens = *effort;
    const auto word = body.value("reasoning_effort", json());
    if (auto ok = check_sampling(body, **model, word != "none"); !ok) return ok.error();
    const auto n = positive(body, "n");
    if (!n) return n.error();
    request.answers = n->value_or(1);
    if (request.answers > 8)
        return bad("n", "invalid_value", "enrich-sandbox gives at most 8 choices; lower 'n'.");
    return request;
}

} // namespace enrichd::sandbox
