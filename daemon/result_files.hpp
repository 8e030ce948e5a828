// The files of results in the spool: fetched whole, and still what was fetched when they are merged.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/job.hpp"
#include "daemon/effects.hpp"
#include "daemon/provider/provider.hpp"
#include "daemon/spool.hpp"
#include "state/job_row.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace enrichd {

class result_files {
public:
    /// The spool outlives the object.
    result_files(spool& s, boost::asio::any_io_executor pool);

    /// Downloads what the batch has: event::results_fetched with the files' digests. Postponed by provider_*,
    /// io, disk_full, and for some times where they end within a line, or have fewer lines than the provider
    /// counts requests. A file that is not there is asked for again for about an hour; then the other one has
    /// to do.
    boost::asio::awaitable<effect_outcome> fetch(std::shared_ptr<provider::client> client,
                                                 job::effect::fetch what, job_row job,
                                                 std::size_t slice_lines);

    /// The file that is merged next has the bytes that were fetched: one that is gone, or was altered, is
    /// fetched again. It is read whole once in a life of the process, and again when its size or time of
    /// change is another. Errors: provider_*, io, disk_full; provider_invalid where the provider has other
    /// bytes now; not_found where it has had none for about an hour.
    boost::asio::awaitable<result<void>> keep_whole(std::shared_ptr<provider::client> client,
                                                    job::effect::merge what, job_row job);

private:
    /// What shows that a file was written to, without reading it (stat(2)).
    struct stamp {
        std::uint64_t inode = 0;
        std::int64_t size = 0;
        std::int64_t changed_ns = 0; ///< st_ctim: no program sets it
        friend bool operator==(const stamp&, const stamp&) = default;
    };

    static std::optional<stamp> look_at(const std::filesystem::path& path);
    struct extent {
        std::uint64_t lines = 0;
        std::uint64_t bytes = 0;
        bool is_cut = false; ///< a last line is only a part of one
    };
    result<extent> look_through(const job::effect::fetch& what) const;
    static std::optional<error> why_too_few(const extent& seen, const job_row& job, bool some_gone);
    boost::asio::awaitable<result<void>> fetch_again(std::shared_ptr<provider::client> client,
                                                     job::effect::merge what, job_row job,
                                                     std::filesystem::path path);

    spool& spool_;
    boost::asio::any_io_executor pool_;
    std::map<std::filesystem::path, stamp>
        whole_; ///< files that were read, and had the bytes that were fetched
};

} // namespace enrichd
