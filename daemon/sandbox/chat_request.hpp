// A chat request's body, checked as the API checks it. Internal to the answers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "daemon/sandbox/api_error.hpp"
#include "daemon/sandbox/models.hpp"
#include "daemon/sandbox/token_bench.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace enrichd::sandbox {

/// Found by boost::system::result; an api_error is always looked at before the value is.
[[noreturn]] inline void throw_exception_from_error(const api_error& e, const boost::source_location&) {
    throw fatal_error(errc::internal, e.message);
}

template <class T>
using checked = boost::system::result<T, api_error>;

struct chat_message {
    std::string role;
    std::string text; ///< text parts joined
};

struct chat_request {
    const played_model* model = nullptr;
    std::vector<chat_message> messages;
    std::uint32_t cap = 0;              ///< of output tokens, reasoning included
    std::uint32_t reasoning_tokens = 0; ///< that the model will want to spend
    std::uint32_t answers = 1;          ///< n
};

checked<chat_request> read_chat_request(const nlohmann::json& body, bool in_batch);

/// With the frame of the messages, as answer_chat() bills them.
std::size_t prompt_tokens(const chat_request& request, token_bench& bench);
token_table table_of(const played_model& m);

/// The model that a body names. Errors: missing_required_parameter, model_not_found.
checked<const played_model*> named_model(const nlohmann::json& body, bool embeds);

} // namespace enrichd::sandbox
