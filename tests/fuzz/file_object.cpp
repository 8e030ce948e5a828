// A file object and a page of the list of files.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/provider/file_list.hpp"

#include <string>

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

namespace {

constexpr std::int64_t year_10000 = 253'402'300'800;

void check_error(const error& e) {
    fuzz::require(e.code == errc::provider_invalid, "an unreadable reply is provider_invalid");
    fuzz::require(fuzz::is_presentable(e.detail) && e.detail.size() < 4000, "its detail can be shown");
}

void check_file(const provider::remote_file& f) {
    fuzz::require(!f.id.empty(), "a file has an id");
    fuzz::require(f.created_at > -year_10000 && f.created_at < year_10000, "created_at is a time");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    const auto one = provider::parse_file(text);
    if (one)
        check_file(*one);
    else
        check_error(one.error());

    const auto page = provider::parse_file_page(text);
    if (page)
        for (const auto& f : page->files)
            check_file(f);
    else
        check_error(page.error());

    if (!parse_json(text, 60)) return 0;
    const auto in_list = provider::parse_file_page("{\"data\":[" + std::string(text) + "]}");
    fuzz::require(in_list && in_list->files.size() == (one ? 1 : 0), "entries without an id are left out");
    if (one) fuzz::require(in_list->files[0].id == one->id, "the others are read as the object alone");
    return 0;
}
