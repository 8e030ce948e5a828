// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/batch_validation.hpp"

#include "daemon/sandbox/batch_lines.hpp"
#include "daemon/sandbox/models.hpp"

#include <fmt/format.h>

#include <unordered_set>

namespace enrichd::sandbox {

namespace {

constexpr std::size_t reported = 50;

// What is seen line by line.
class checker {
public:
    checker(std::string_view endpoint, bool count_tokens, token_bench& bench)
        : endpoint_(endpoint), count_tokens_(count_tokens), bench_(bench) {}

    void line(std::string_view text) {
        ++out_.requests;
        request_line request;
        auto wrong = read_request_line(text, request);
        if (!wrong) wrong = compare(request);
        if (wrong) {
            wrong->line = out_.requests;
            report(std::move(*wrong));
        } else {
            inputs_ += static_cast<std::int64_t>(embedding_inputs(request.body));
            if (count_tokens_)
                out_.tokens += static_cast<std::int64_t>(input_tokens(endpoint_, request.body, bench_));
        }
    }

    validation end() {
        if (out_.requests == 0)
            report({"empty_file",
                    "The input file is empty. Please ensure that the batch contains at least one request.",
                    {},
                    {}});
        if (out_.requests > max_batch_requests)
            report({"too_many_tasks",
                    fmt::format("The batch contains {} requests, more than the limit of {}.", out_.requests,
                                max_batch_requests),
                    {},
                    {}});
        if (endpoint_ == "/v1/embeddings" && inputs_ > max_batch_inputs)
            report({"too_many_tasks",
                    fmt::format("The batch contains {} embedding inputs, more than the limit of {} "
                                "across all of its requests.",
                                inputs_, max_batch_inputs),
                    {},
                    {}});
        return std::move(out_);
    }

private:
    // The line beside the batch and the lines before it.
    std::optional<validation_error> compare(const request_line& request) {
        if (request.url != endpoint_)
            return validation_error{"url_mismatch",
                                    fmt::format("The URL provided for this request does not match the "
                                                "batch endpoint: expected '{}', got '{}'.",
                                                endpoint_, request.url),
                                    "url",
                                    {}};
        if (!ids_.insert(request.custom_id).second)
            return validation_error{
                "duplicate_custom_id",
                "The custom_id for this request is a duplicate of another request. The custom_id "
                "parameter must be unique for each request in a batch.",
                "custom_id",
                {}};
        const auto model = request.body.find("model");
        if (model == request.body.end() || !model->is_string())
            return validation_error{
                "missing_required_parameter", "Missing required parameter: 'body.model'.", "body.model", {}};
        const auto& name = model->get_ref<const std::string&>();
        if (out_.model.empty()) {
            const auto* played = find_model(name);
            if (!played || played->embeds != (endpoint_ == "/v1/embeddings"))
                return validation_error{"model_not_found",
                                        fmt::format("The provided model '{}' is not supported by the "
                                                    "Batch API for {}.",
                                                    name, endpoint_),
                                        "body.model",
                                        {}};
            out_.model = name;
        }
        if (name != out_.model)
            return validation_error{"model_mismatch",
                                    fmt::format("The provided model '{}' does not match the batch's "
                                                "model '{}'. Each batch must contain requests for a "
                                                "single model.",
                                                name, out_.model),
                                    "body.model",
                                    {}};
        return std::nullopt;
    }

    void report(validation_error e) {
        if (out_.errors.size() < reported) out_.errors.push_back(std::move(e));
    }

    std::string_view endpoint_;
    bool count_tokens_;
    token_bench& bench_;
    validation out_;
    std::int64_t inputs_ = 0;
    std::unordered_set<std::string> ids_;
};

} // namespace

validation validate_batch(const std::filesystem::path& input, std::string_view endpoint, bool count_tokens,
                          token_bench& bench) {
    checker check(endpoint, count_tokens, bench);
    line_reader lines(input, 0);
    for (std::string line; lines.next(line);)
        check.line(line);
    return check.end();
}

} // namespace enrichd::sandbox
