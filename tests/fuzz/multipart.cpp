// Multipart bodies in pieces of any size: the same parts come of them.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/multipart.hpp"

#include <algorithm>
#include <string>

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

namespace {

/// Writes down what comes, so that two readings can be compared.
class recording_sink : public sandbox::part_sink {
public:
    result<void> begin_part(std::string name, std::optional<std::string> filename) override {
        fuzz::require(!open_, "a part ends before the next begins");
        open_ = true;
        record += "<" + name + "|" + filename.value_or("-") + "|";
        return {};
    }
    result<void> part_bytes(std::string_view piece) override {
        fuzz::require(open_, "bytes belong to a part");
        record += piece;
        return {};
    }
    result<void> end_part() override {
        fuzz::require(open_, "only what began ends");
        open_ = false;
        record += ">";
        return {};
    }

    std::string record;

private:
    bool open_ = false;
};

struct reading {
    std::string record;
    bool fine = true;
    bool complete = false;
};

reading read(std::string_view body, std::size_t piece, const std::string& boundary) {
    recording_sink sink;
    sandbox::multipart_reader reader(boundary, sink);
    reading out;
    for (; !body.empty() && out.fine; body.remove_prefix(std::min(piece, body.size())))
        out.fine = reader.push(body.substr(0, piece)).has_value();
    out.record = sink.record;
    out.complete = reader.complete();
    return out;
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto rest = fuzz::text_of(data, size);
    const auto piece = 1 + fuzz::take_byte(rest);
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const auto boundary = sandbox::multipart_boundary(line);
    if (boundary) fuzz::require(!boundary->empty() && boundary->size() <= 70, "a boundary has 1 to 70 bytes");

    const auto whole = read(rest, rest.size() + 1, boundary.value_or("b"));
    const auto pieces = read(rest, piece, boundary.value_or("b"));
    if (!whole.fine || !pieces.fine) return 0; // what is too long for one may be read at once
    fuzz::require(whole.complete == pieces.complete, "the end does not depend on how the body is cut");
    if (whole.complete) fuzz::require(whole.record == pieces.record, "nor do the parts");
    return 0;
}
