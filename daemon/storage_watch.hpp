// Whether the state directory can be written: stops the daemon's work when not, and lets it go on.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/clock.hpp"
#include "daemon/effects.hpp"
#include "state/ledger.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <optional>

namespace enrichd {

struct storage_trouble {
    error why; ///< disk_full or io; says what failed, and what to do
    std::int64_t since_ms = 0;
};

/// Fed with what failed elsewhere, and deaf until run() is: what nobody looks after must not stop the work. A
/// failure of the ledger is trouble at once; one of a single file only if a file that is written for the
/// purpose fails too. The trouble is told once, when it begins, and once when it is over. The ledger is then
/// opened anew if the disk failed under it.
class storage_watch {
public:
    struct calls {
        std::function<void()> began;
        std::function<void()> over;
    };

    /// References outlive the object; `pool` writes the probe.
    storage_watch(const boost::asio::any_io_executor& loop, boost::asio::any_io_executor pool,
                  const std::filesystem::path& state_directory, ledger& l, const clock& c, calls when);

    const std::optional<storage_trouble>& trouble() const { return trouble_; }
    /// For a call that has to write: why it cannot.
    std::optional<error> refusal() const;

    /// True if it is of the disk: then it is known and told, and no bug.
    bool suspect(const std::exception_ptr& failed);
    void suspect(const error& failed);

    /// Until stop(). Throws sqlite_error if the ledger cannot be opened any more.
    boost::asio::awaitable<void> run();
    void stop();

private:
    void begin(error why);
    void look_soon();
    boost::asio::awaitable<void> look();
    result<void> reopen_if_broken();

    boost::asio::any_io_executor pool_;
    std::filesystem::path probe_;
    ledger& ledger_;
    const clock& clock_;
    calls when_;
    boost::asio::steady_timer timer_;
    std::optional<storage_trouble> trouble_;
    bool running_ = false;
    bool suspected_ = false; ///< a file could not be written; the next look tells whether any can
    bool stopping_ = false;
};

/// Effects that tell the watch what they could not write.
class watched_effects final : public effects {
public:
    watched_effects(effects& inner, storage_watch& watch) : inner_(inner), watch_(watch) {}
    boost::asio::awaitable<effect_outcome> perform(job::effect::any what, job_row job) override;

private:
    effects& inner_;
    storage_watch& watch_;
};

} // namespace enrichd
