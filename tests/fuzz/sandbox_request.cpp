// Lines of a request file as the sandbox reads and answers them: its answers are lines that enrichd reads.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/answers.hpp"
#include "daemon/sandbox/batch_lines.hpp"

#include "core/batch_result.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static sandbox::token_bench bench;
    const auto line = fuzz::text_of(data, size);
    sandbox::request_line request;
    if (const auto fault = sandbox::read_request_line(line, request)) {
        fuzz::require(!fault->code.empty() && !fault->message.empty(), "a fault is named");
        return 0;
    }
    fuzz::require(!request.custom_id.empty() && request.body.is_object(), "a request is whole");
    for (const auto k : all_kinds) {
        const sandbox::answer_order order{request.body, 1, 1'763'812'800, sandbox::model_fault::none, true};
        const auto a = sandbox::answer_request(endpoint(k), order, bench);
        fuzz::require(a.status == 200 || (a.billed.input == 0 && a.billed.output == 0),
                      "failures cost nothing");
        const auto answered = sandbox::answer_line(1, request.custom_id, a.status, a.body);
        fuzz::require(answered.find('\n') == answered.size() - 1, "an answer is one line");
        fuzz::require(parse_json(answered).has_value(), "of JSON");
        const auto read = read_answer(answered, {k, 1, 1536});
        fuzz::require(read.custom_id == request.custom_id && read.http_status == a.status,
                      "that we understand");
        if (a.status == 200)
            fuzz::require(read.usage.input_tokens == a.billed.input &&
                              read.usage.output_tokens == a.billed.output,
                          "and bill the same");
    }
    return 0;
}
