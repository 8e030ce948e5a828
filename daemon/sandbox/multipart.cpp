// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/multipart.hpp"

#include "daemon/http/request_target.hpp"

#include <algorithm>

namespace enrichd::sandbox {

namespace {

constexpr std::size_t head_limit = 16 * 1024;

// The value of a parameter in `form-data; name="file"; filename="a.jsonl"`.
std::optional<std::string> parameter(std::string_view field, std::string_view name) {
    for (auto at = field.find(';'); at != std::string_view::npos;) {
        auto rest = field.substr(at + 1);
        rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
        const auto equals = rest.find('=');
        if (equals == std::string_view::npos) return std::nullopt;
        const bool wanted = http::same_field(rest.substr(0, equals), name);
        auto value = rest.substr(equals + 1);
        std::string out;
        std::size_t end = 0;
        if (!value.empty() && value.front() == '"') {
            for (end = 1; end < value.size() && value[end] != '"'; ++end) {
                if (value[end] == '\\' && end + 1 < value.size()) ++end;
                out += value[end];
            }
        } else {
            end = std::min(value.find(';'), value.size());
            out = std::string(value.substr(0, end));
        }
        if (wanted) return out;
        const auto next = value.find(';', end);
        at = next == std::string_view::npos ? next : field.size() - value.size() + next;
    }
    return std::nullopt;
}

error malformed(const char* what) {
    return {errc::invalid_input, std::string("the multipart body cannot be read: ") + what};
}

} // namespace

multipart_reader::multipart_reader(std::string_view boundary, part_sink& sink)
    : delimiter_("\r\n--" + std::string(boundary)),
      sink_(sink),
      pending_("\r\n") {} // so that a boundary at the very beginning looks like every other

result<void> multipart_reader::push(std::string_view bytes) {
    pending_ += bytes;
    for (;;) {
        const auto more = step();
        if (!more) return more.error();
        if (!*more) return {};
    }
}

// Does what the pending bytes allow; false where they allow nothing more.
result<bool> multipart_reader::step() {
    switch (where_) {
    case place::before: {
        const auto at = pending_.find(delimiter_);
        if (at == std::string::npos) {
            if (pending_.size() > head_limit) return malformed("no boundary at its beginning");
            return false;
        }
        pending_.erase(0, at + delimiter_.size());
        where_ = place::at_boundary;
        return true;
    }
    case place::at_boundary: return read_boundary_end();
    case place::in_head: return read_head();
    case place::in_part: return read_part();
    case place::after: pending_.clear(); return false;
    }
    return false;
}

result<bool> multipart_reader::read_boundary_end() {
    if (pending_.size() < 2) return false;
    if (pending_.compare(0, 2, "--") == 0) {
        where_ = place::after;
        return true;
    }
    const auto end = pending_.find("\r\n");
    if (end == std::string::npos) {
        if (pending_.size() > head_limit) return malformed("a boundary's line does not end");
        return false;
    }
    pending_.erase(0, end); // its CR LF stays: a head may be empty
    where_ = place::in_head;
    return true;
}

result<bool> multipart_reader::read_head() {
    const auto end = pending_.find("\r\n\r\n");
    if (end == std::string::npos) {
        if (pending_.size() > head_limit) return malformed("a part's header does not end");
        return false;
    }
    std::optional<std::string> name, filename;
    std::string_view head = std::string_view(pending_).substr(0, end);
    while (!head.empty()) {
        head.remove_prefix(2);
        const auto line = head.substr(0, head.find("\r\n"));
        head.remove_prefix(line.size());
        const auto colon = line.find(':');
        if (colon == std::string_view::npos ||
            !http::same_field(line.substr(0, colon), "Content-Disposition"))
            continue;
        name = parameter(line, "name");
        filename = parameter(line, "filename");
    }
    if (!name) return malformed("a part has no name");
    pending_.erase(0, end + 4);
    where_ = place::in_part;
    if (auto ok = sink_.begin_part(std::move(*name), std::move(filename)); !ok) return ok.error();
    return true;
}

result<bool> multipart_reader::read_part() {
    const auto at = pending_.find(delimiter_);
    const bool ends = at != std::string::npos;
    // What might be the beginning of the delimiter waits for the rest.
    const auto safe = ends ? at : pending_.size() - std::min(pending_.size(), delimiter_.size() - 1);
    if (safe > 0)
        if (auto ok = sink_.part_bytes(std::string_view(pending_).substr(0, safe)); !ok) return ok.error();
    pending_.erase(0, ends ? at + delimiter_.size() : safe);
    if (!ends) return false;
    where_ = place::at_boundary;
    if (auto ok = sink_.end_part(); !ok) return ok.error();
    return true;
}

std::optional<std::string> multipart_boundary(std::string_view content_type) {
    const auto kind = content_type.substr(0, content_type.find(';'));
    if (!http::same_field(kind, "multipart/form-data")) return std::nullopt;
    auto boundary = parameter(content_type, "boundary");
    if (boundary && (boundary->empty() || boundary->size() > 70)) return std::nullopt;
    return boundary;
}

} // namespace enrichd::sandbox
