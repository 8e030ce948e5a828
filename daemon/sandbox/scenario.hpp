// A scenario: the faults that a rehearsal is to meet, read from a JSON file. docs/sandbox.md is its manual.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd::sandbox {

/// A call of the API, by the word that scenarios and the truth use.
enum class operation {
    upload,
    list_files,
    get_file,
    delete_file,
    content,
    create,
    get,
    list,
    cancel,
    models,
    embeddings,
    chat,
};
inline constexpr operation all_operations[] = {
    operation::upload,  operation::list_files, operation::get_file,   operation::delete_file,
    operation::content, operation::create,     operation::get,        operation::list,
    operation::cancel,  operation::models,     operation::embeddings, operation::chat,
};
std::string_view name(operation o);

/// Which of the events that a rule looks at are hit: those that satisfy every part that is given.
struct occurrence {
    std::vector<std::uint64_t> nth; ///< counted from 1
    std::uint64_t every = 0;        ///< each multiple
    double probability = 1;         ///< by the scenario's seed
    std::uint64_t times = 0;        ///< no more hits than this; 0: no limit
};

enum class call_action {
    status, ///< an error reply
    drop,   ///< the connection is reset, without a reply
    cut,    ///< the connection is reset within the reply
    delay,  ///< the reply waits
    slow,   ///< the reply's body dribbles
    // Of `content` alone:
    no_range,   ///< the file comes whole whatever part was asked for, and without an ETag
    other_file, ///< it is another file of the same length under the same id
};

/// A fault of one call.
struct call_rule {
    operation on{};
    occurrence when;
    call_action what{};
    bool after_effect = false; ///< status and drop: what was asked for is done nevertheless
    int status = 500;
    std::string body;                  ///< JSON; empty: the API's usual one
    std::optional<double> retry_after; ///< seconds
    std::uint64_t bytes = 0;           ///< cut: after so many; slow: a second
    double seconds = 0;                ///< delay
};

enum class batch_action {
    fail,                ///< in validation
    expire,              ///< with partial results
    cancel,              ///< by the provider's own doing, with partial results
    never_finish,        ///< it stays in_progress
    seconds,             ///< how long it takes
    list_lag,            ///< it is not in the list at first
    reorder,             ///< output and error lines come in another order
    null_output_file,    ///< completed, and output_file_id stays null
    empty_error_file_id, ///< error_file_id is "" where there is no error file
};

/// A fault of a whole batch.
struct batch_rule {
    occurrence when;
    batch_action what{};
    std::string endpoint; ///< only batches of it; empty: all
    std::string code;     ///< fail
    std::string message;
    double fraction = 0;     ///< expire, cancel, never_finish: of its lines that are done
    double seconds = 0;      ///< list_lag, seconds
    std::uint64_t calls = 0; ///< list_lag: list calls that do not show it
};

enum class line_action {
    missing,
    duplicate,
    garbled,
    unknown_id,
    status,
    refusal,
    length,
    content_filter,
    empty,
    wrong_dimensions,
    nulls,
};

/// A fault of one request of a batch. The first rule that hits a line is the one.
struct line_rule {
    occurrence when; ///< nth and every count the lines of a batch
    line_action what{};
    std::string endpoint;
    std::vector<std::uint64_t> batches; ///< only in these, counted since the scenario began; empty: all
    std::string custom_id;              ///< only this one; empty: all
    std::string contains;               ///< only lines that have this text in them
    int status = 500;
    std::string code;
    std::string message;
};

struct scenario {
    std::uint64_t seed = 0;
    std::map<std::string, std::uint64_t, std::less<>> quotas; ///< enqueued tokens by model
    std::vector<call_rule> calls;
    std::vector<batch_rule> batches;
    std::vector<line_rule> lines;
};

/// Errors: invalid_input with every mistake of the file, one a line, each as "NAME: rules[2].do: expected
/// ..., got ...", or "NAME:line:column: ..." where it is no JSON.
result<scenario> parse_scenario(std::string_view json, std::string_view file_name);

} // namespace enrichd::sandbox
