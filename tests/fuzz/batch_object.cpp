// A batch object and a page of the list of batches.
// SPDX-License-Identifier: Apache-2.0
#include "core/batch_status.hpp"

#include <string>

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

namespace {

constexpr std::int64_t year_10000 = 253'402'300'800;

void check_error(const error& e) {
    fuzz::require(e.code == errc::provider_invalid, "an unreadable reply is provider_invalid");
    fuzz::require(fuzz::is_presentable(e.detail) && e.detail.size() < 4000, "its detail can be shown");
}

// The books multiply tokens by prices and times by a thousand: neither may come near the end of 64 bits.
void check_batch(const batch_object& b) {
    fuzz::require(!b.id.empty(), "a batch has an id");
    fuzz::require(!b.output_file_id || !b.output_file_id->empty(), "an empty file id is none");
    fuzz::require(!b.error_file_id || !b.error_file_id->empty(), "an empty file id is none");
    fuzz::require(b.created_at > -year_10000 && b.created_at < year_10000, "created_at is a time");
    if (b.expires_at)
        fuzz::require(*b.expires_at > -year_10000 && *b.expires_at < year_10000, "expires_at is a time");
    for (const auto n : {b.total, b.completed, b.failed})
        fuzz::require(n >= 0 && n <= 1'000'000'000'000, "counts can be added up");
    if (b.status != batch_status::unknown && b.status_word != name(b.status))
        fuzz::require(b.status == batch_status::cancelled || b.status == batch_status::cancelling,
                      "a known status has its own word, or an American one");
    for (const auto& e : b.errors)
        fuzz::require(fuzz::is_presentable(e.code) && fuzz::is_presentable(e.message), "errors can be shown");
    if (!b.usage) return;
    const auto& u = *b.usage;
    for (const auto n : {u.input_tokens, u.cached_tokens, u.output_tokens, u.reasoning_tokens})
        fuzz::require(n >= 0 && n <= 10'000'000'000, "tokens can be multiplied by a price");
    fuzz::require(u.cached_tokens <= u.input_tokens && u.reasoning_tokens <= u.output_tokens,
                  "a part is not more than its whole");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    const auto one = parse_batch(text);
    if (one)
        check_batch(*one);
    else
        check_error(one.error());

    const auto page = parse_batch_list(text);
    if (page)
        for (const auto& b : page->batches)
            check_batch(b);
    else
        check_error(page.error());

    if (!parse_json(text, 60)) return 0; // else the page around it would not be JSON either
    const auto in_list = parse_batch_list("{\"has_more\":true,\"data\":[" + std::string(text) + "]}");
    fuzz::require(in_list.has_value() == one.has_value(), "an entry of a list is read as the object alone");
    if (in_list)
        fuzz::require(in_list->has_more == true && in_list->batches.size() == 1 &&
                          in_list->batches[0].id == one->id && in_list->batches[0].status == one->status &&
                          in_list->batches[0].usage == one->usage,
                      "and to the same batch");
    return 0;
}
