// Every case of the rule of need: one list, held against both databases.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/source_row.hpp"

#include <string_view>
#include <vector>

namespace enrichd::tests {

struct need_case {
    std::string_view name;
    bool has_value;
    std::string_view version; ///< "wanted", "legacy", "other", "other legacy" (of another model), "" (NULL)
    std::string_view hash;    ///< "" (NULL), "same", "changed"
    bool refresh_legacy;
    bool keep_versions;
    need expected;
};

inline const std::vector<need_case>& need_cases() {
    static const std::vector<need_case> cases = {
        {"no value", false, "", "", false, false, need::value},
        {"no value, though the version says done", false, "wanted", "same", false, false, need::value},
        {"no value, though it is legacy", false, "legacy", "", false, false, need::value},
        {"no value, versions kept", false, "other", "", false, true, need::value},
        {"done", true, "wanted", "same", false, false, need::done},
        {"done, without a hash", true, "wanted", "", false, false, need::done},
        {"done, from another text", true, "wanted", "changed", false, false, need::text_changed},
        {"done, from another text, versions kept", true, "wanted", "changed", false, true,
         need::text_changed},
        {"legacy", true, "legacy", "", false, false, need::legacy},
        {"legacy, versions kept", true, "legacy", "", false, true, need::legacy},
        {"legacy, to be refreshed", true, "legacy", "", true, false, need::version},
        {"legacy, to be refreshed, versions kept", true, "legacy", "", true, true, need::version},
        {"legacy, from another text", true, "legacy", "changed", false, false, need::text_changed},
        {"legacy of another model", true, "other legacy", "", false, false, need::version},
        {"legacy of another model, versions kept", true, "other legacy", "", false, true, need::kept},
        {"another version", true, "other", "same", false, false, need::version},
        {"another version, versions kept", true, "other", "same", false, true, need::kept},
        {"another version, from another text", true, "other", "changed", false, false, need::text_changed},
        {"another version, from another text, versions kept", true, "other", "changed", false, true,
         need::text_changed},
        {"no version", true, "", "", false, false, need::version},
        {"no version, versions kept", true, "", "", false, true, need::kept},
        {"no version, from another text", true, "", "changed", false, false, need::text_changed},
    };
    return cases;
}

} // namespace enrichd::tests
