// The provider: a server that speaks the Files and Batches API. What the daemon needs of it, and no more.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/batch_status.hpp"
#include "core/error.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace enrichd::provider {

template <class T>
using awaitable = boost::asio::awaitable<T>;

/// A file at the provider.
struct remote_file {
    std::string id;
    std::string filename;
    std::uint64_t bytes = 0;
    std::int64_t created_at = 0; ///< seconds since 1970, the provider's clock
};

/// As with http::request, give it a name before `co_await create_batch(order)`.
struct batch_order {
    std::string input_file_id;
    std::string endpoint;                        ///< "/v1/embeddings", "/v1/chat/completions"
    std::string completion_window;               ///< "24h"
    std::map<std::string, std::string> metadata; ///< at most 16 pairs, keys of 64, values of 512 characters
};

struct download_limits {
    std::uint64_t max_bytes = 0; ///< more than this is refused while it streams
};

/// What went wrong is told by errc: provider_rejected (clean refusal, no effect), provider_unauthorized,
/// provider_busy (429, or no connection could be made: no effect, see retry_after), provider_ambiguous
/// (reset, timeout, 5xx, unreadable answer: we do not know whether there was an effect; of a read: it has
/// none, but could not be done now), provider_invalid (a read whose answer cannot be understood, or is longer
/// than allowed); io and unavailable (disk full) are said of our own files. detail begins with the provider's
/// own error code where there is one, as "code: message".
///
/// Calls that create something (upload, create_batch, cancel_batch) are never repeated here; plain reads are,
/// with backoff and jitter. Every call is bounded by deadlines, and ends early when its coroutine is
/// cancelled.
class client {
public:
    virtual ~client() = default;

    /// Streams the file as a multipart upload (purpose "batch") with bounded memory. `filename` ends in
    /// ".jsonl".
    virtual awaitable<result<remote_file>> upload(std::filesystem::path file, std::string filename) = 0;

    /// Files of purpose "batch" with exactly this name and size, oldest first.
    virtual awaitable<result<std::vector<remote_file>>> find_files(std::string filename,
                                                                   std::uint64_t bytes) = 0;

    /// Files of purpose "batch" of which the name begins with this, in no order.
    virtual awaitable<result<std::vector<remote_file>>> list_files(std::string prefix) = 0;

    virtual awaitable<result<batch_object>> create_batch(batch_order order) = 0;
    virtual awaitable<result<batch_object>> get_batch(std::string id) = 0;
    virtual awaitable<result<batch_object>> cancel_batch(std::string id) = 0;

    /// A page of some 100, by most servers newest first; `after` is the last id of the page before, empty for
    /// the first page. `has_more` is filled in: a server that does not say has more while its pages are full.
    virtual awaitable<result<batch_list>> list_batches(std::string after) = 0;

    /// Streams a file's content to disk (written, fsynced, renamed into place: never half there); returns its
    /// length. Content-Length is verified where it is given, and a connection that ends early is an error.
    virtual awaitable<result<std::uint64_t>> download(std::string file_id, std::filesystem::path to,
                                                      download_limits limits) = 0;

    /// Deleting what is not there is no error.
    virtual awaitable<result<void>> delete_file(std::string id) = 0;
};

/// Whether it is an answer with this status of HTTP that tells so, and nothing else.
bool answered(const error& e, int status);

/// Whether the API says that there is no such file: it names it then, as OpenAI does ("No such File object:
/// file-abc"). In other words a 404 may be a gateway's that is restarted, and whoever believes that buys
/// again what is there.
bool says_gone(const error& e, const std::string& file_id);

} // namespace enrichd::provider
