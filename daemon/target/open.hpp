// Which database a configuration means.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/config.hpp"
#include "daemon/target/target.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>

namespace enrichd::target {

/// The target that [database] url names: "postgresql://..." or "postgres://...", "sqlite:PATH" (relative to
/// the working folder), or target.db in the state directory if it is empty. Nothing is opened yet, so a
/// database that is down is no error here. Calls run on their caller's executor; work that blocks goes to
/// `pool`, which must be joined before that executor's context is destroyed. Throws
/// fatal_error(invalid_input) for a URL that is none, never repeating it, for it may hold a password.
std::unique_ptr<database> open_target(boost::asio::any_io_executor pool, const config& c);

} // namespace enrichd::target
