// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/batch_slice.hpp"

#include "daemon/sandbox/api_error.hpp"
#include "daemon/sandbox/batch_lines.hpp"
#include "daemon/sandbox/fault_desk.hpp"
#include "daemon/sandbox/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <utility>

namespace enrichd::sandbox {

namespace {

// A file that grows from a known length.
class appended_file {
public:
    appended_file(const std::filesystem::path& path, std::int64_t& length) : path_(path), length_(length) {
        if (std::filesystem::exists(path_))
            std::filesystem::resize_file(path_, static_cast<std::uintmax_t>(length_));
    }

    void add(std::string_view bytes) {
        if (!out_.is_open()) out_.open(path_, std::ios::binary | std::ios::app);
        out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        length_ += static_cast<std::int64_t>(bytes.size());
    }
    void close() {
        if (!out_.is_open()) return;
        out_.close();
        if (!out_) throw fatal_error(errc::io, path_.native() + ": cannot be written; is the disk full?");
    }

private:
    std::filesystem::path path_;
    std::int64_t& length_;
    std::ofstream out_;
};

model_fault model_fault_of(const line_rule* rule) {
    if (!rule) return model_fault::none;
    switch (rule->what) {
    case line_action::refusal: return model_fault::refusal;
    case line_action::length: return model_fault::length;
    case line_action::content_filter: return model_fault::content_filter;
    case line_action::empty: return model_fault::empty;
    case line_action::wrong_dimensions: return model_fault::wrong_dimensions;
    case line_action::nulls: return model_fault::nulls;
    case line_action::missing:
    case line_action::duplicate:
    case line_action::garbled:
    case line_action::unknown_id:
    case line_action::status: return model_fault::none;
    }
    return model_fault::none;
}

// What a status rule answers in place of the model.
answer status_answer(const line_rule& rule) {
    if (rule.status == 0) return {0, "null", {}};
    std::string code = rule.code;
    std::string message = rule.message;
    if (code.empty())
        code = rule.status == 429   ? "rate_limit_exceeded"
               : rule.status >= 500 ? "server_error"
                                    : "invalid_value";
    if (message.empty()) message = fmt::format("A fault of the scenario: status {}.", rule.status);
    const auto* type = rule.status == 429   ? "requests"
                       : rule.status >= 500 ? "server_error"
                                            : "invalid_request_error";
    return {rule.status, body_of(api_error(rule.status, message, {}, code, type)), {}};
}

class slice {
public:
    slice(slice_order order, token_bench& bench)
        : order_(std::move(order)),
          bench_(bench),
          output_(order_.output, order_.batch.output_bytes),
          errors_(order_.errors, order_.batch.error_bytes) {}

    slice_done run() {
        auto& b = order_.batch;
        line_reader lines(order_.input, b.input_offset);
        const auto end = std::chrono::steady_clock::now() + order_.time;
        std::string line;
        for (std::int64_t n = 0; n < order_.lines && lines.next(line); ++n) {
            request_line request;
            if (read_request_line(line, request))
                throw fatal_error(errc::internal, "a validated file has changed");
            ++b.lines_done;
            if (order_.expire)
                expire(request);
            else
                serve(request, line);
            b.input_offset = lines.offset();
            if (std::chrono::steady_clock::now() >= end) break;
        }
        output_.close();
        errors_.close();
        return {std::move(b), std::move(billed_)};
    }

private:
    std::uint64_t line_id(std::string_view custom_id) const {
        return hash_of(custom_id, order_.seed ^ hash_of(order_.batch.id, 0));
    }

    void expire(const request_line& request) {
        errors_.add(error_line(line_id(request.custom_id), request.custom_id, "batch_expired",
                               "This request could not be executed before the completion window expired."));
        ++order_.batch.failed;
    }

    void serve(const request_line& request, std::string_view text) {
        auto& b = order_.batch;
        const line_place place{b, static_cast<std::uint64_t>(b.lines_done), request.custom_id, text};
        const auto* rule = line_fault(*order_.faults, place, b.rule_hits);
        const auto id = line_id(request.custom_id);
        const auto got =
            rule && rule->what == line_action::status
                ? status_answer(*rule)
                : answer_request(b.endpoint, {request.body, id, order_.now, model_fault_of(rule), true},
                                 bench_);
        b.billed += got.billed;
        if (got.billed.input > 0) billed_.push_back({request.custom_id, got.billed});
        // The provider's own counts believe in a line with status 0; so it is told in the field.
        const bool failed = got.status != 200 && got.status != 0;
        ++(failed ? b.failed : b.completed);
        write(failed ? errors_ : output_, rule, answer_line(id, request.custom_id, got.status, got.body), id,
              got);
    }

    void write(appended_file& file, const line_rule* rule, const std::string& line, std::uint64_t id,
               const answer& got) {
        const auto what =
            rule ? rule->what : line_action::status; // status: nothing odd about the line itself
        if (what == line_action::missing) return;
        if (what == line_action::garbled) {
            file.add(std::string_view(line).substr(0, line.size() / 2));
            file.add("\n");
        } else if (what == line_action::unknown_id) {
            file.add(answer_line(id, "unknown-" + hex_id(id).substr(0, 12), got.status, got.body));
        } else {
            file.add(line);
            if (what == line_action::duplicate) file.add(line);
        }
    }

    slice_order order_;
    token_bench& bench_;
    appended_file output_, errors_;
    std::vector<billed_line> billed_;
};

} // namespace

slice_done work_slice(slice_order order, token_bench& bench) {
    return slice(std::move(order), bench).run();
}

void reorder_lines(const std::filesystem::path& file, std::uint64_t seed) {
    struct place {
        std::int64_t from, to;
    };
    std::vector<place> places;
    {
        line_reader lines(file, 0);
        std::int64_t from = 0;
        for (std::string line; lines.next(line); from = lines.offset())
            places.push_back({from, lines.offset()});
    }
    // Fisher and Yates by hand: std::shuffle need not be the same everywhere.
    std::mt19937_64 dice(seed);
    for (std::size_t i = places.size(); i > 1; --i)
        std::swap(places[i - 1], places[dice() % i]);
    auto shuffled = file;
    shuffled += ".shuffled";
    std::ifstream in(file, std::ios::binary);
    std::ofstream out(shuffled, std::ios::binary);
    std::string piece;
    for (const auto& p : places) {
        piece.resize(static_cast<std::size_t>(p.to - p.from));
        in.seekg(p.from);
        in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
        out << piece;
    }
    out.close();
    if (!in || !out) throw fatal_error(errc::io, file.native() + ": cannot be reordered");
    std::filesystem::rename(shuffled, file);
}

} // namespace enrichd::sandbox
