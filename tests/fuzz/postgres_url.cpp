// PostgreSQL URLs: a place that can be shown, and never the password.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/postgres_url.hpp"

#include <string>

#include "daemon/target/identity.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // Begins with a letter that no escaped byte (\xc4) ends in.
    constexpr std::string_view canary = "k4n4ry";
    const std::string text(fuzz::text_of(data, size));
    for (const auto& url : {text, "postgresql://u:" + std::string(canary) + "@" + text}) {
        const auto parsed = target::parse_postgres_url(url);
        if (!parsed) {
            fuzz::require(parsed.error().code == errc::invalid_input, "a wrong URL is invalid input");
            fuzz::require(fuzz::is_presentable(parsed.error().detail), "complaints can be shown");
            fuzz::require(parsed.error().detail.find(canary) == std::string::npos, "without the URL");
            continue;
        }
        fuzz::require(!parsed->hosts.empty(), "there is a host");
        const auto place = parsed->place();
        fuzz::require(fuzz::is_presentable(place), "a place can be shown");
        if (text.find(canary) == std::string::npos)
            fuzz::require(place.find(canary) == std::string::npos, "a place has no password");
        const auto identity = target::make_identity("postgresql:" + place, "events");
        fuzz::require(!target::how_to_return(identity, "postgresql:other/db/events").empty(),
                      "there is a way back");
    }
    return 0;
}
