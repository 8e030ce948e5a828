// SPDX-License-Identifier: Apache-2.0
#include "daemon/storage_watch.hpp"

#include "daemon/log.hpp"
#include "daemon/on_pool.hpp"
#include "daemon/spool.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <chrono>
#include <string>
#include <utility>

namespace enrichd {

namespace asio = boost::asio;

namespace {

// While there is trouble; soon enough for a person who has just made room.
constexpr std::chrono::seconds between_looks{3};

// Room for some hundred turns. With less, work would stop again at once.
constexpr std::size_t probe_bytes = 1 << 20;

// A failed sync is not tried again on its descriptor: each look is a file of its own.
result<void> write_probe(const std::filesystem::path& path) {
    auto written = write_whole(path, std::string(probe_bytes, '\0'));
    std::error_code ec; // also what a failure left
    std::filesystem::remove(path, ec);
    std::filesystem::remove(path.string() + ".new", ec);
    return written;
}

bool is_of_disk(errc code) {
    return code == errc::disk_full || code == errc::io;
}

error explained(const sqlite::sqlite_error& e) {
    if (e.is_disk_full()) return {errc::disk_full, fmt::format("the ledger cannot grow: {}", e.what())};
    return {errc::io, fmt::format("the disk failed under the ledger: {}", e.what())};
}

std::string way_out(errc code) {
    return code == errc::disk_full ? "make room on the disk of the state directory; enrichd looks every few "
                                     "seconds, and goes on by "
                                     "itself"
                                   : "look into the kernel's log (journalctl -k) for the disk of the state "
                                     "directory; enrichd looks "
                                     "every few seconds, and goes on by itself once it can write";
}

} // namespace

storage_watch::storage_watch(const asio::any_io_executor& loop, asio::any_io_executor pool,
                             const std::filesystem::path& state_directory, ledger& l, const clock& c,
                             calls when)
    : pool_(std::move(pool)),
      probe_(state_directory / "probe"),
      ledger_(l),
      clock_(c),
      when_(std::move(when)),
      timer_(loop) {}

std::optional<error> storage_watch::refusal() const {
    if (!trouble_) return std::nullopt;
    return error{trouble_->why.code,
                 fmt::format("nothing can be recorded now, so nothing was begun: {}", trouble_->why.detail)};
}

bool storage_watch::suspect(const std::exception_ptr& failed) {
    if (!running_) return false;
    try {
        std::rethrow_exception(failed);
    } catch (const sqlite::sqlite_error& e) {
        if (!e.is_disk_full() && !e.is_io_failure()) return false;
        if (!trouble_) begin(explained(e));
        return true;
    } catch (const fatal_error& e) {
        suspect(e.what_error());
        return is_of_disk(e.what_error().code) && trouble_;
    } catch (const std::exception&) {
        return false;
    }
}

void storage_watch::suspect(const error& failed) {
    if (!running_ || !is_of_disk(failed.code) || trouble_) return;
    suspected_ = true;
    look_soon();
}

void storage_watch::look_soon() {
    timer_.cancel();
}

void storage_watch::begin(error why) {
    why.detail = fmt::format("{}; {}", why.detail, way_out(why.code));
    trouble_ = storage_trouble{std::move(why), clock_.now_ms()};
    log::write(log::level::critical, fmt::format("work stops: {}", trouble_->why.detail));
    when_.began();
    look_soon();
}

asio::awaitable<void> storage_watch::run() {
    running_ = true;
    while (!stopping_) {
        if (trouble_)
            timer_.expires_after(between_looks);
        else
            timer_.expires_at(std::chrono::steady_clock::time_point::max());
        boost::system::error_code woken;
        if (!suspected_) co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        if (!stopping_ && (trouble_ || suspected_)) co_await look();
    }
}

void storage_watch::stop() {
    stopping_ = true;
    timer_.cancel();
}

asio::awaitable<void> storage_watch::look() {
    suspected_ = false;
    const auto write = [this] { return write_probe(probe_); };
    const auto written = co_await on_pool(pool_, write);
    if (!written && !trouble_) begin(written.error());
    if (!written || !trouble_) co_return;
    // A ledger that cannot be opened any more ends the process; the next start says what is wrong with it.
    if (const auto opened = reopen_if_broken(); !opened) co_return;
    const auto since = trouble_->since_ms;
    trouble_.reset();
    log::notice(fmt::format("work goes on: the state directory can be written again, after {} s",
                            (clock_.now_ms() - since) / 1000));
    when_.over();
}

// See docs/decisions: a new descriptor, and the process stays to answer.
result<void> storage_watch::reopen_if_broken() {
    if (!ledger_.is_broken()) return {};
    try {
        ledger_.reopen();
        return {};
    } catch (const fatal_error& e) {
        return e.what_error(); // its log could not be saved; the old connection still reads
    }
}

asio::awaitable<effect_outcome> watched_effects::perform(job::effect::any what, job_row job) {
    auto outcome = co_await inner_.perform(std::move(what), std::move(job));
    if (const auto* postponed = std::get_if<effect_postponed>(&outcome)) watch_.suspect(postponed->why);
    co_return outcome;
}

} // namespace enrichd
