// Downloads: whole or not at all. What was cut off is gone on with where the server can prove that it is the
// same file still, and begun again elsewhere.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/on_pool.hpp"
#include "daemon/provider/download_file.hpp"
#include "daemon/provider/live_client.hpp"

#include <fmt/format.h>

#include <charconv>

namespace enrichd::provider {

using std::chrono::milliseconds;

namespace {

/// What an answer says of the file, whichever part of it follows.
struct told {
    std::optional<std::uint64_t> bytes; ///< of the whole file
    std::string etag;                   ///< empty: none, or a weak one, which does not tell bytes apart
};

/// Content-Range of a 206 (RFC 9110, 14.4): "bytes 5-9/10".
struct content_range {
    std::uint64_t first = 0;
    std::uint64_t total = 0;
};

std::optional<std::uint64_t> whole_number(std::string_view text) {
    std::uint64_t n = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return n;
}

std::optional<content_range> parse_range(std::string_view field) {
    constexpr std::string_view unit = "bytes ";
    const auto dash = field.find('-'), slash = field.find('/');
    if (!field.starts_with(unit) || dash == field.npos || slash == field.npos || slash < dash)
        return std::nullopt;
    const auto first = whole_number(field.substr(unit.size(), dash - unit.size()));
    const auto total = whole_number(field.substr(slash + 1));
    if (!first || !total) return std::nullopt;
    return content_range{*first, *total};
}

std::string strong_etag(const http::response& answer) {
    const auto tag = answer.find("ETag");
    return tag && tag->starts_with('"') ? std::string(*tag) : std::string();
}

told read_whole(const http::response& answer) {
    const auto length = answer.find("Content-Length");
    return {length ? whole_number(*length) : std::nullopt, strong_etag(answer)};
}

std::string in_words(const told& t) {
    return fmt::format("{} bytes{}{}", t.bytes ? std::to_string(*t.bytes) : "an unknown number of",
                       t.etag.empty() ? "" : ", ETag ", t.etag.substr(0, 100));
}

bool differ(const told& a, const told& b) {
    return (a.bytes && b.bytes && *a.bytes != *b.bytes) ||
           (!a.etag.empty() && !b.etag.empty() && a.etag != b.etag);
}

error changed(const told& before, const told& now) {
    return {errc::provider_invalid,
            fmt::format("the file at the provider changed between two tries ({}; then {}): nothing of it is "
                        "used, and it is fetched again from its beginning",
                        in_words(before), in_words(now))};
}

} // namespace

struct live_client::download_state {
    download_file file;
    std::uint64_t limit;
    std::optional<error> failure = {}; ///< one that no repeating mends
    std::optional<told> first = {};    ///< by the first answer
    bool asked_for_rest = false;       ///< by the request that is under way

    // Without a strong validator two answers may be of two files (RFC 9110, 15.3.7.3).
    bool can_go_on() const { return file.bytes() > 0 && first && first->bytes && !first->etag.empty(); }

    result<void> fail(error e) {
        failure = std::move(e);
        return *failure;
    }
};

// The header of an answer: is it the file that was begun, and does it fit?
awaitable<result<void>> live_client::meet(download_state& into, const http::response& answer) {
    std::uint64_t have = 0;
    told now = read_whole(answer);
    if (answer.status == 206) {
        const auto range = parse_range(answer.find("Content-Range").value_or(""));
        if (!into.asked_for_rest || !range)
            co_return into.fail({errc::provider_invalid, "the provider sent a part of the file that was not "
                                                         "asked for"});
        now.bytes = range->total;
        if (differ(*into.first, now)) co_return into.fail(changed(*into.first, now));
        if (range->first != into.file.bytes())
            co_return into.fail(
                {errc::provider_invalid,
                 fmt::format("the provider sent the file from byte {} on, though it was asked "
                             "for byte {}",
                             range->first, into.file.bytes())});
        have = into.file.bytes();
    } else {
        if (into.first && differ(*into.first, now)) co_return into.fail(changed(*into.first, now));
        auto emptied = co_await on_pool(pool_, [&] { return into.file.begin(); });
        if (!emptied) co_return into.fail(emptied.error());
    }
    if (!into.first) into.first = now;
    if (!now.bytes) co_return result<void>{};
    if (*now.bytes > into.limit)
        co_return into.fail(
            {errc::provider_invalid, fmt::format("the file has more than the {} bytes allowed", into.limit)});
    const auto room = co_await on_pool(pool_, [&] { return into.file.room(); });
    if (*now.bytes - have > room)
        co_return into.fail(
            {errc::disk_full, fmt::format("the results have {} bytes, and the disk has room for {}",
                                          *now.bytes - have, room)});
    co_return result<void>{};
}

awaitable<result<void>> live_client::store(download_state& into, std::span<const char> piece) {
    if (into.file.bytes() + piece.size() > into.limit)
        into.failure = error{errc::provider_invalid,
                             fmt::format("the file has more than the {} bytes allowed", into.limit)};
    if (into.failure) co_return *into.failure;
    auto done = co_await on_pool(pool_, [&] { return into.file.append(piece); });
    if (!done) into.failure = done.error();
    co_return done;
}

awaitable<result<http::response>> live_client::fetch(http::request r, download_state& into) {
    const auto plain = r.headers;
    for (int failures = 0;;) {
        r.headers = plain;
        into.asked_for_rest = into.can_go_on();
        if (into.asked_for_rest) {
            r.headers.push_back({"Range", fmt::format("bytes={}-", into.file.bytes())});
            r.headers.push_back({"If-Range", into.first->etag});
        }
        auto answer = co_await send(r);
        if (into.failure || (answer && answer->status / 100 == 2)) co_return answer;
        if (answer && answer->status == 416 && into.asked_for_rest)
            co_return into
                .fail({errc::provider_invalid,
                       fmt::format("the file at the provider has no byte {} any more: it shrank between "
                                   "two tries; nothing of it is used, and it is fetched again",
                                   into.file.bytes())})
                .error();
        const auto wait = wait_before_retry(answer, ++failures);
        if (!wait) co_return answer;
        if (!co_await slept(*wait)) co_return error{errc::cancelled, "cancelled"};
    }
}

awaitable<result<std::uint64_t>> live_client::download(std::string file_id, std::filesystem::path to,
                                                       download_limits limits) {
    download_state state{download_file(std::move(to)), limits.max_bytes};
    auto opened = co_await on_pool(pool_, [&] { return state.file.begin(); });
    if (!opened) co_return opened.error();
    auto r = make_request("GET", fmt::format("/files/{}/content", encoded(file_id)));
    r.sink = [this, &state](std::span<const char> piece) { return store(state, piece); };
    r.check_header = [this, &state](const http::response& answer) { return meet(state, answer); };
    r.limits = settings_.download;
    auto raw = co_await fetch(r, state);
    if (state.failure) co_return *state.failure;
    const auto answer = checked(std::move(raw), r, call_kind::read);
    if (!answer) co_return answer.error();
    if (answer->status != 200 && answer->status != 206)
        co_return error{errc::provider_ambiguous,
                        fmt::format("HTTP {} to {} {} is no file", answer->status, r.method, r.target)};
    if (state.first && state.first->bytes && *state.first->bytes != state.file.bytes())
        co_return error{errc::provider_invalid, fmt::format("the file has {} bytes, and {} came",
                                                            *state.first->bytes, state.file.bytes())};
    auto done = co_await on_pool(pool_, [&] { return state.file.finish(); });
    if (!done) co_return done.error();
    co_return state.file.bytes();
}

} // namespace enrichd::provider
