// Configuration from TOML, an env file and variables: every value in its bounds, every complaint fit to be
// shown, no secret repeated.
// SPDX-License-Identifier: Apache-2.0
#include "core/config.hpp"

#include <cmath>
#include <string>

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

namespace {

void check_values(const config& c) {
    fuzz::require(std::isfinite(c.poll.first_seconds) && c.poll.first_seconds > 0,
                  "the first look has a time");
    fuzz::require(c.poll.max_seconds >= c.poll.first_seconds && c.poll.max_seconds < 1e9, "so has the last");
    fuzz::require(std::isfinite(c.poll.deadline_hours) && c.poll.deadline_hours > 0, "there is a deadline");
    for (const double wait : c.submit.reconcile_seconds)
        fuzz::require(std::isfinite(wait) && wait >= 0, "waits are times");
    fuzz::require(c.batch.max_requests >= 1 && c.batch.merge_rows >= 1, "a batch has requests");
    fuzz::require(c.budget.test.picodollars >= 0 && c.budget.full.picodollars >= 0, "a budget is no debt");
    fuzz::require(!c.state_directory.empty() && !c.control_socket.empty(), "places are known");
    fuzz::require(!c.provider.base_url.empty() && fuzz::has_no_controls(c.provider.base_url),
                  "base_url is one line");
    fuzz::require(c.provider.api_key.find('\n') == std::string::npos, "a key cannot break out of its header");
}

void check(const result<config>& c) {
    if (c) {
        check_values(*c);
        return;
    }
    fuzz::require(c.error().code == errc::invalid_input, "a wrong configuration is invalid input");
    fuzz::require(fuzz::is_presentable(c.error().detail, "\n"), "complaints can be shown");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(fuzz::text_of(data, size));
    surroundings around;
    around.environment = {{"HOME", "/home/u"}};
    check(read_config(config_text{"enrichd.toml", text}, std::nullopt, around));
    check(read_config(std::nullopt, config_text{".env", text}, around));

    // The input as a secret: wherever it is refused, it is not repeated.
    if (size < 12 || text.find('\0') != std::string::npos) return 0;
    around.environment["OPENAI_API_KEY"] = "canary" + text;
    around.environment["ENRICHD_DATABASE_URL"] = "postgresql://u:canary" + text;
    const auto c = read_config(std::nullopt, std::nullopt, around);
    check(c);
    if (!c) fuzz::require(c.error().detail.find("canary") == std::string::npos, "a secret is never repeated");
    return 0;
}
