// Targets of requests at the control socket: what was encoded is decoded to the same, and every path has an
// answer.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/request_target.hpp"

#include <algorithm>
#include <string>
#include <variant>

#include "core/control_routes.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    if (const auto target = http::parse_request_target(text)) {
        fuzz::require(target->path.starts_with('/') && target->path.size() <= size,
                      "a path begins with a slash");
        fuzz::require(text.find('\0') != std::string_view::npos ||
                          target->path.find('\0') == std::string::npos,
                      "no escape makes a zero byte");
        for (const auto* method : {"GET", "POST"}) {
            const auto match = match_route(method, target->path);
            const auto* found = std::get_if<matched_route>(&match);
            if (found) fuzz::require(found->which->method == method, "a route is of its method");
        }
        (void)methods_of(target->path);
    }

    if (text.find('\0') != std::string_view::npos) return 0;
    const auto encoded = percent_encode(text);
    const auto back = http::parse_request_target("/" + encoded + "?" + encoded + "=" + encoded);
    fuzz::require(back.has_value(), "what is encoded can be decoded");
    fuzz::require(back->path == "/" + std::string(text), "a path comes back");
    fuzz::require(back->query.size() == 1 && back->query[0].first == text && back->query[0].second == text,
                  "so does a parameter");
    return 0;
}
