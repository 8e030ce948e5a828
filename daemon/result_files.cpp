// SPDX-License-Identifier: Apache-2.0
#include "daemon/result_files.hpp"

#include "daemon/job_log.hpp"
#include "daemon/on_pool.hpp"

#include <fmt/format.h>

#include <sys/stat.h>
#include <utility>

namespace enrichd {

namespace {

// Results beyond the projection by this factor and amount are not downloaded: something else is wrong then. A
// provider that answers with numbers where base64 was asked for sends four times as much.
constexpr std::uint64_t download_factor = 5;
constexpr std::uint64_t download_slack = 64ULL * 1024 * 1024;

// How often files with fewer lines than the provider counts are fetched, before what they lack counts as
// missing.
constexpr std::int64_t fetches_of_short_files = 4;

// How often a file is asked for that the provider says is not there: about an hour. One that a batch has just
// named may take its time to be there.
constexpr std::int64_t refusals_of_an_hour = 24;

bool is_gone(const error& e, const std::string& file_id, const job_row& job) {
    return provider::says_gone(e, file_id) && job.waiting.failures >= refusals_of_an_hour;
}

provider::download_limits limits_of(const job_row& job) {
    return provider::download_limits{job.plan.totals.reply_bytes * download_factor + download_slack};
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
        if (!is_gone(bytes.error(), **id, job)) co_return postponed(bytes.error());
        tell_gone(job, to, bytes.error());
        fetched.some_gone = true;
        id->reset();
    }
    fetched.has_output = what.output_file_id.has_value();
    fetched.has_errors = what.error_file_id.has_value();
    if (!fetched.some_gone && job.counts && job.waiting.failures < fetches_of_short_files) {
        const auto count = [this, &what] { return lines_of(what); };
        const auto lines = co_await on_pool(pool_, count);
        if (!lines) co_return postponed(lines.error());
        const auto counted = static_cast<std::uint64_t>(job.counts->completed + job.counts->failed);
        if (*lines < counted)
            co_return postponed({errc::provider_invalid,
                                 fmt::format("the files of results have {} lines, and the provider counts {} "
                                             "requests: they are fetched again",
                                             *lines, counted)});
    }
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

result<std::uint64_t> result_files::lines_of(const job::effect::fetch& what) const {
    std::uint64_t lines = 0;
    for (const auto& [is_there, path] :
         {std::pair(what.output_file_id.has_value(), spool_.results_file(what.batch_id)),
          std::pair(what.error_file_id.has_value(), spool_.errors_file(what.batch_id))}) {
        const auto more = is_there ? count_lines(path) : result<std::uint64_t>(0);
        if (!more) return more.error();
        lines += *more;
    }
    return lines;
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
        if (job.waiting.failures >= refusals_of_an_hour) {
            tell_gone(job, path, unnamed);
            unnamed.code = errc::not_found;
        }
        co_return unnamed;
    }
    const auto bytes = co_await client->download(*id, path, limits_of(job));
    if (!bytes && is_gone(bytes.error(), *id, job)) {
        tell_gone(job, path, bytes.error());
        co_return error{errc::not_found, fmt::format("{}: lost, and gone at the provider", path.string())};
    }
    if (!bytes) co_return bytes.error();
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
