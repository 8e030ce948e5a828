// The Files API.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/api_objects.hpp"
#include "daemon/sandbox/batch_validation.hpp"
#include "daemon/sandbox/fault_desk.hpp"
#include "daemon/sandbox/multipart.hpp"
#include "daemon/sandbox/service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>

namespace asio = boost::asio;

namespace enrichd::sandbox {

namespace {

constexpr std::int64_t max_file_bytes = 512'000'000;
constexpr std::array purposes = {"fine-tune", "assistants", "batch", "user_data", "vision", "evals"};

// Takes the parts of an upload: fields into memory, the file to the disk.
class upload_sink : public part_sink {
public:
    explicit upload_sink(std::filesystem::path path) : path_(std::move(path)) {}
    ~upload_sink() override {
        std::error_code ignored; // gone already where the upload was kept
        std::filesystem::remove(path_, ignored);
    }

    result<void> begin_part(std::string part, std::optional<std::string> file) override {
        part_ = std::move(part);
        if (part_ != "file") return {};
        filename = file.value_or("upload");
        out_.open(path_, std::ios::binary | std::ios::trunc);
        return {};
    }
    result<void> part_bytes(std::string_view piece) override {
        if (part_ == "file") {
            bytes += static_cast<std::int64_t>(piece.size());
            if (bytes > max_file_bytes) return error{errc::invalid_input, "File is too large."};
            out_.write(piece.data(), static_cast<std::streamsize>(piece.size()));
            return {};
        }
        auto& value = part_ == "purpose"                  ? purpose
                      : part_ == "expires_after[anchor]"  ? anchor
                      : part_ == "expires_after[seconds]" ? seconds
                                                          : ignored_;
        if (value.size() + piece.size() > 1000)
            return error{errc::invalid_input, "A form field is too long."};
        value += piece;
        return {};
    }
    result<void> end_part() override {
        ignored_.clear();
        if (part_ != "file") return {};
        out_.close();
        if (!out_) return error{errc::io, path_.native() + ": cannot be written; is the disk full?"};
        return {};
    }

    const std::filesystem::path& path() const { return path_; }

    std::optional<std::string> filename;
    std::string purpose, anchor, seconds;
    std::int64_t bytes = 0;

private:
    std::filesystem::path path_;
    std::ofstream out_;
    std::string part_;
    std::string ignored_;
};

asio::awaitable<std::optional<api_error>> receive(http::server_request& in, upload_sink& sink) {
    const auto boundary = multipart_boundary(in.field("Content-Type").value_or(""));
    if (!boundary)
        co_return api_error(400, "Expected a multipart/form-data body with the parts 'purpose' and 'file'.");
    multipart_reader reader(*boundary, sink);
    std::string piece(64 * 1024, '\0');
    for (;;) {
        const auto n = co_await in.read_body(piece);
        if (!n) co_return api_error(400, "The body could not be read: " + n.error().detail);
        if (*n == 0) break;
        const auto ok = reader.push(std::string_view(piece).substr(0, *n));
        if (!ok && ok.error().code == errc::io) throw fatal_error(ok.error());
        if (!ok) co_return api_error(400, ok.error().detail);
    }
    if (!reader.complete()) co_return api_error(400, "The multipart body ends before its last boundary.");
    co_return std::nullopt;
}

// The lifetime that was asked for; none where it was not.
boost::system::result<std::optional<std::int64_t>, api_error> lifetime(const upload_sink& form) {
    if (form.anchor.empty() && form.seconds.empty()) return std::optional<std::int64_t>();
    std::int64_t value = 0;
    const auto [end, ec] =
        std::from_chars(form.seconds.data(), form.seconds.data() + form.seconds.size(), value);
    if (form.anchor != "created_at" || ec != std::errc() || *end != '\0' || value < 3600 ||
        value > thirty_days)
        return api_error(
            400, "Invalid 'expires_after': expected anchor 'created_at' and seconds from 3600 to 2592000.",
            "expires_after", "invalid_value");
    return std::optional(value);
}

std::optional<api_error> check_form(const upload_sink& form) {
    if (!form.filename) return api_error(400, "'file' is a required property");
    if (form.purpose.empty()) return api_error(400, "'purpose' is a required property");
    if (std::find(purposes.begin(), purposes.end(), form.purpose) == purposes.end())
        return api_error(
            400,
            fmt::format("'{}' is not one of ['{}'] - 'purpose'", form.purpose, fmt::join(purposes, "', '")),
            "purpose");
    if (form.purpose == "batch" && !form.filename->ends_with(".jsonl"))
        return api_error(400, "Invalid file format for Batch API. Must be .jsonl");
    if (form.purpose == "batch" && form.bytes > max_batch_bytes) return api_error(400, "File is too large.");
    return std::nullopt;
}

// "bytes=N-", unless it was meant for another version of the file (RFC 9110, 13.1.5 and 14.2). Other forms
// are answered with the whole, as a server may.
std::optional<std::uint64_t> asked_from(const http::server_request& in, const std::string& etag) {
    constexpr std::string_view unit = "bytes=";
    const auto range = in.field("Range").value_or("");
    if (!range.starts_with(unit) || !range.ends_with('-')) return std::nullopt;
    if (const auto only_if = in.field("If-Range"); only_if && *only_if != etag) return std::nullopt;
    const auto digits = range.substr(unit.size(), range.size() - unit.size() - 1);
    std::uint64_t from = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), from);
    if (ec != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return from;
}

// As long as the file, and with another beginning.
std::filesystem::path another_file(const std::filesystem::path& file) {
    auto other = file;
    other += ".other";
    std::filesystem::copy_file(file, other, std::filesystem::copy_options::overwrite_existing);
    std::fstream(other, std::ios::in | std::ios::out | std::ios::binary).put('#');
    return other;
}

api_error no_such_file(const std::string& id) {
    return {404, "No such File object: " + id, "id"};
}

} // namespace

asio::awaitable<reply> service::upload(http::server_request& in) {
    upload_sink form(store_.upload_path(++uploads_));
    if (auto wrong = co_await receive(in, form)) co_return *wrong;
    if (auto wrong = check_form(form)) co_return *wrong;
    const auto ttl = lifetime(form);
    if (!ttl) co_return ttl.error();
    file_record f;
    f.id = store_.new_id("file-");
    f.purpose = form.purpose;
    f.filename = *form.filename;
    f.bytes = form.bytes;
    f.created_at = wall_clock_ms() / 1000;
    if (*ttl)
        f.expires_at = f.created_at + **ttl;
    else if (f.purpose == "batch")
        f.expires_at = f.created_at + thirty_days;
    std::filesystem::rename(form.path(), store_.content_of(f.id));
    store_.add_file(f);
    co_return reply(200, text_of(file_object(f)));
}

reply service::list_files(const http::server_request& in) {
    auto order = read_page(in, 10'000);
    if (!order) return order.error();
    if (!in.parameter("limit")) order->limit = 10'000;
    const auto found = store_.files(*order, in.parameter("purpose").value_or(""));
    std::vector<nlohmann::ordered_json> items;
    items.reserve(found.items.size());
    for (const auto& f : found.items)
        items.push_back(file_object(f));
    return {200, text_of(list_object(std::move(items), found.has_more))};
}

reply service::get_file(const std::string& id) {
    const auto f = store_.file(id);
    if (!f) return no_such_file(id);
    return {200, text_of(file_object(*f))};
}

reply service::delete_file(const std::string& id) {
    if (!store_.remove_file(id)) return no_such_file(id);
    nlohmann::ordered_json out;
    out["object"] = "file";
    out["deleted"] = true;
    out["id"] = id;
    return {200, text_of(out)};
}

reply service::content(const http::server_request& in, const std::string& id, const call_fault& fault) {
    const auto f = store_.file(id);
    if (!f) return no_such_file(id);
    reply out;
    out.file = fault.other_file ? another_file(store_.content_of(id)) : store_.content_of(id);
    if (!fault.no_range) {
        const auto etag = fmt::format("\"{}{}\"", id, fault.other_file ? "-other" : "");
        out.fields.emplace_back("Accept-Ranges", "bytes");
        out.fields.emplace_back("ETag", etag);
        out.from = asked_from(in, etag);
        if (out.from && *out.from >= static_cast<std::uint64_t>(f->bytes)) {
            reply nothing_there(api_error(416, "The requested range is not satisfiable."));
            nothing_there.fields.emplace_back("Content-Range", fmt::format("bytes */{}", f->bytes));
            return nothing_there;
        }
    }
    // A quote or a line break in the name would end the field.
    std::string name;
    for (char c : f->filename)
        name += c == '"' || static_cast<unsigned char>(c) < 0x20 ? '_' : c;
    out.fields.emplace_back("Content-Disposition", fmt::format("attachment; filename=\"{}\"", name));
    return out;
}

} // namespace enrichd::sandbox
