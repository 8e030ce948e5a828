// SPDX-License-Identifier: Apache-2.0
#include "tests/support/postgres_world.hpp"

#include "core/sha256.hpp"
#include "tests/support/await.hpp"
#include "tests/support/catch.hpp"

namespace enrichd::tests {

postgres_world::postgres_world(const std::string& schema, const config& c, std::string_view user) {
    sql_.emplace(url());
    exec(schema);
    auto with_url = c;
    with_url.database_url = url(user);
    auto settings = target::postgres_settings_from(with_url);
    REQUIRE(settings.has_value());
    target_ = std::make_unique<target::postgres_target>(pool_.get_executor(), std::move(*settings));
}

postgres_world& postgres_world::migrated() {
    const auto steps = await(loop_, target_->migrate());
    INFO((steps ? "" : steps.error().detail));
    REQUIRE(steps.has_value());
    return *this;
}

std::string postgres_world::bytes(const text_hash& h) {
    return "'\\x" + to_hex(h) + "'::bytea";
}

void postgres_world::reconnect() {
    sql_.reset();
    sql_.emplace(url());
}

} // namespace enrichd::tests
