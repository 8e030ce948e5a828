// SPDX-License-Identifier: Apache-2.0
#include "daemon/result_files.hpp"

#include "daemon/job_log.hpp"
#include "daemon/on_pool.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <sys/stat.h>
#include <system_error>
#include <utility>

namespace enrichd {

namespace {

// Results beyond the projection by this factor and amount are not downloaded: something else is wrong then. A
// provider that answers with numbers where base64 was asked for sends four times as much.
constexpr std::uint64_t download_factor = 5;
constexpr std::uint64_t download_slack = 64ULL * 1024 * 1024;

// How often files of the same length, with fewer lines than the provider counts, are fetched before what they
// lack counts as missing.
constexpr std::int64_t fetches_of_short_files = 4;

// How often in a row the provider has to say that a file is not there: for about an hour. One that a batch
// has just named may take its time to be there, and what is said in an outage is no proof.
constexpr std::int64_t refusals_of_an_hour = 24;

// True: it was said often enough. Else the error bears the sign for the next time.
bool is_gone(error& e, const std::string& file_id, const job_row& job) {
    if (!provider::says_gone(e, file_id)) return false;
    e.sign = "gone " + file_id;
    return job.waiting.times_seen(e.sign) >= refusals_of_an_hour;
}

provider::download_limits limits_of(const job_row& job) {
    return provider::download_limits{job.plan.totals.reply_bytes * download_factor + download_slack};
}

// Whether the file's last line is only a part of one: a connection may be cut where no length is told.
result<bool> ends_within_a_line(const std::filesystem::path& path) {
    constexpr std::uint64_t least_piece = 64ULL * 1024;
    std::error_code failed;
    const auto size = std::filesystem::file_size(path, failed);
    if (failed) return error{errc::io, fmt::format("{}: {}", path.string(), failed.message())};
    std::string last;
    for (std::uint64_t at = size; at > 0;) {
        const auto length = std::min<std::uint64_t>(at, std::max<std::uint64_t>(least_piece, last.size()));
        at -= length;
        const auto piece = read_range(path, at, length);
        if (!piece) return piece.error();
        const auto newline = piece->rfind('\n');
        last.insert(0, newline == std::string::npos ? *piece : piece->substr(newline + 1));
        if (newline != std::string::npos) break;
    }
    return last.find_first_not_of(" \t\r") != std::string::npos && !nlohmann::json::accept(last);
}

void tell_gone(const job_row& job, const std::filesystem::path& file, const error& why) {
    log_job(
        log::level::error, job,
        fmt::format("{}: gone at the provider: {}; as it would be if another life of the ledger had merged "
                    "it. What it may have told is not asked again by itself; the next run takes the rows "
                    "that still need it",
                    file.filename().string(), why.detail));
}

bool is_output(const job::effect::merge& what) {
    return what.from.where == job::merge_cursor::part::output;
}

const std::string& digest_of(const job::effect::merge& what) {
    return is_output(what) ? what.digests.output : what.digests.errors;
}

} // namespace

result_files::result_files(spool& s, boost::asio::any_io_executor pool) : spool_(s), pool_(std::move(pool)) {}

boost::asio::awaitable<effect_outcome> result_files::fetch(std::shared_ptr<provider::client> client,
                                                           job::effect::fetch what, job_row job,
                                                           std::size_t slice_lines) {
    job::event::results_fetched fetched;
    fetched.slice_lines = slice_lines;
    const auto output = spool_.results_file(what.batch_id);
    const auto errors = spool_.errors_file(what.batch_id);
    // The smaller one first: while it is waited for, the other is not fetched in vain.
    for (auto* const id : {&what.error_file_id, &what.output_file_id}) {
        if (!*id) continue;
        const auto& to = id == &what.output_file_id ? output : errors;
        const auto bytes = co_await client->download(**id, to, limits_of(job));
        if (bytes) continue;
        auto why = bytes.error();
        if (!is_gone(why, **id, job)) co_return postponed(std::move(why));
        tell_gone(job, to, why);
        fetched.some_gone = true;
        id->reset();
    }
    fetched.has_output = what.output_file_id.has_value();
    fetched.has_errors = what.error_file_id.has_value();
    const auto look = [this, &what] { return look_through(what); };
    const auto seen = co_await on_pool(pool_, look);
    if (!seen) co_return postponed(seen.error());
    if (auto few = why_too_few(*seen, job, fetched.some_gone);
        few && job.waiting.times_seen(few->sign) < fetches_of_short_files)
        co_return postponed(std::move(*few));
    const auto hash = [&]() -> result<void> {
        const std::string none;
        const auto of_output = fetched.has_output ? hash_file(output) : result<std::string>(none);
        if (!of_output) return of_output.error();
        const auto of_errors = fetched.has_errors ? hash_file(errors) : result<std::string>(none);
        if (!of_errors) return of_errors.error();
        fetched.digests = {*of_output, *of_errors};
        return {};
    };
    const auto hashed = co_await on_pool(pool_, hash);
    if (!hashed) co_return postponed(hashed.error());
    effect_done done{job::event::any(std::move(fetched)), "", std::nullopt};
    co_return effect_outcome(std::move(done));
}

result<result_files::extent> result_files::look_through(const job::effect::fetch& what) const {
    extent all;
    for (const auto& [is_there, path] :
         {std::pair(what.output_file_id.has_value(), spool_.results_file(what.batch_id)),
          std::pair(what.error_file_id.has_value(), spool_.errors_file(what.batch_id))}) {
        if (!is_there) continue;
        const auto lines = count_lines(path);
        if (!lines) return lines.error();
        const auto is_cut = ends_within_a_line(path);
        if (!is_cut) return is_cut.error();
        all.lines += *lines;
        all.bytes += std::filesystem::file_size(path);
        all.is_cut = all.is_cut || *is_cut;
    }
    return all;
}

// What came so more often than a few times is all that there is. The sign tells one time from another.
std::optional<error> result_files::why_too_few(const extent& seen, const job_row& job, bool some_gone) {
    const auto counted =
        job.counts ? static_cast<std::uint64_t>(job.counts->completed + job.counts->failed) : 0;
    if (!seen.is_cut && (some_gone || seen.lines >= counted)) return std::nullopt;
    error few{errc::provider_invalid,
              seen.is_cut
                  ? fmt::format("the files of results end within line {}: they are fetched again", seen.lines)
                  : fmt::format("the files of results have {} lines, and the provider counts {} "
                                "requests: they are fetched again",
                                seen.lines, counted)};
    few.sign = fmt::format("{} bytes for {} requests", seen.bytes, counted);
    return few;
}

std::optional<result_files::stamp> result_files::look_at(const std::filesystem::path& path) {
    struct stat s = {};
    if (::stat(path.c_str(), &s) != 0) return std::nullopt;
    return stamp{s.st_ino, s.st_size, s.st_ctim.tv_sec * 1'000'000'000LL + s.st_ctim.tv_nsec};
}

boost::asio::awaitable<result<void>> result_files::keep_whole(std::shared_ptr<provider::client> client,
                                                              job::effect::merge what, job_row job) {
    const auto output = spool_.results_file(what.batch_id);
    const auto errors = spool_.errors_file(what.batch_id);
    if (what.from.where == job::merge_cursor::part::rest) {
        whole_.erase(output);
        whole_.erase(errors);
        co_return result<void>();
    }
    const auto& path = is_output(what) ? output : errors;
    const auto known = whole_.find(path);
    const auto now = look_at(path);
    if (now && known != whole_.end() && known->second == *now) co_return result<void>();

    if (now) {
        const auto hash = [&path] { return hash_file(path); };
        const auto digest = co_await on_pool(pool_, hash);
        if (!digest) co_return digest.error();
        if (*digest == digest_of(what)) {
            whole_[path] = *now;
            co_return result<void>();
        }
    }
    log_job(log::level::warning, job,
            fmt::format("{} {}: it is fetched again", path.string(),
                        now ? "has other bytes than were fetched" : "is not there any more"));
    co_return co_await fetch_again(std::move(client), std::move(what), std::move(job), path);
}

boost::asio::awaitable<result<void>> result_files::fetch_again(std::shared_ptr<provider::client> client,
                                                               job::effect::merge what, job_row job,
                                                               std::filesystem::path path) {
    const auto batch = co_await client->get_batch(what.batch_id);
    if (!batch) co_return batch.error();
    const auto id = is_output(what) ? batch->output_file_id : batch->error_file_id;
    if (!id) {
        error unnamed{errc::provider_invalid,
                      fmt::format("{} is lost, and batch {} names no such file any more", path.string(),
                                  what.batch_id)};
        unnamed.sign = "unnamed " + path.filename().string();
        if (job.waiting.times_seen(unnamed.sign) >= refusals_of_an_hour) {
            tell_gone(job, path, unnamed);
            unnamed.code = errc::not_found;
        }
        co_return unnamed;
    }
    const auto bytes = co_await client->download(*id, path, limits_of(job));
    if (!bytes) {
        auto why = bytes.error();
        if (!is_gone(why, *id, job)) co_return why;
        tell_gone(job, path, why);
        co_return error{errc::not_found, fmt::format("{}: lost, and gone at the provider", path.string())};
    }
    const auto hash = [&path] { return hash_file(path); };
    const auto digest = co_await on_pool(pool_, hash);
    if (!digest) co_return digest.error();
    if (*digest != digest_of(what))
        co_return error{
            errc::provider_invalid,
            fmt::format("file {} of batch {} has another SHA-256 ({}) than when it was first fetched "
                        "({}): nothing of it is merged",
                        *id, what.batch_id, *digest, digest_of(what))};
    co_return result<void>();
}

} // namespace enrichd
