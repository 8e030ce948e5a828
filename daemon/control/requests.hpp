// The JSON bodies of requests, read into structs. Wrong and unknown fields are errors that name them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/operations.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd::control {

struct submission_order {
    enrichd::kind kind{};
    std::string sha256;
    std::optional<money> budget;
};

struct cancel_order {
    std::string id; ///< of a job, a batch or a run
    bool abandon = false;
};

struct resolve_order {
    std::optional<std::string> adopt; ///< a batch's id; absent: send it again
};

struct release_order {
    std::vector<std::string> keys;
    bool all = false;
};

// An empty body counts as {}. Errors: invalid_input, with every complaint about the body.
result<run_order> read_order(std::string_view body);
result<run_order> read_build_order(std::string_view body); ///< of exactly one kind
result<submission_order> read_submission(std::string_view body);
result<std::optional<enrichd::kind>> read_merge(std::string_view body);
result<cancel_order> read_cancel(std::string_view body);
result<resolve_order> read_resolve(std::string_view body);
result<release_order> read_release(std::string_view body);
struct adoption_order {
    std::string batch_id;
    bool leave = false; ///< it is let go instead
};

result<adoption_order> read_adoption(std::string_view body);
result<void> read_nothing(std::string_view body);

} // namespace enrichd::control
