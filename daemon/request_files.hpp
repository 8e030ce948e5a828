// The request files of one kind in the making: lines to the spool, requests and rows to the ledger.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/batch_request.hpp"
#include "daemon/row_reader.hpp"
#include "daemon/spool.hpp"
#include "state/ledger.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace enrichd {

/// What the names of all request files of a run begin with.
std::string request_file_prefix(std::int64_t run_id);

/// Begins a new file, and with it a new job, whenever a limit would be passed. Rows may join a text of a file
/// that is complete already: the ledger takes them, the file does not change.
class request_files {
public:
    /// `plan` is what all jobs of this kind have in common. They stay built until the run is open.
    request_files(ledger& l, spool& s, boost::asio::any_io_executor pool, job_plan plan, enrichd::model m,
                  file_limits limits, std::int64_t now_ms);

    /// Writes a batch of rows. Errors: io, after which nothing more may be added. Throws sqlite_error.
    boost::asio::awaitable<result<void>> add(std::vector<prepared_row> rows);
    /// Completes the last file. Returns how many there are. As add().
    boost::asio::awaitable<result<std::int64_t>> finish();

private:
    struct place {
        std::size_t file;
        std::int64_t text;
    };
    struct file {
        std::int64_t job_id = 0;
        job_plan plan;
        std::int64_t next_number = 0;
    };
    struct piece { // of a batch of rows: what goes to one file
        std::string bytes;
        std::vector<new_request> requests;
    };

    boost::asio::awaitable<result<void>> begin_file();
    boost::asio::awaitable<result<void>> end_file();
    boost::asio::awaitable<result<void>> write(piece& p);
    void place_lines(const prepared_row& row, piece& p);

    ledger& ledger_;
    spool& spool_;
    boost::asio::any_io_executor pool_;
    job_plan common_;
    enrichd::model model_;
    file_limits limits_;
    std::int64_t now_ms_;
    std::vector<file> files_;
    std::unique_ptr<spool_writer> writer_; ///< of the last file
    std::map<text_hash, place> texts_;
};

/// What is wrong with a request file that is not the one that was built, and the way out.
std::string fault_of_request_file(const std::filesystem::path& path, const job_plan& plan);

} // namespace enrichd
