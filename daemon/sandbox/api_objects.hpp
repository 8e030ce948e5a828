// The API's objects, as JSON: files, batches, models, lists.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/sandbox/models.hpp"
#include "daemon/sandbox/records.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace enrichd::sandbox {

nlohmann::ordered_json file_object(const file_record& f);
/// With every timestamp key, null where it has not happened.
nlohmann::ordered_json batch_object(const batch_record& b);
nlohmann::ordered_json model_object(const played_model& m);

/// {"object": "list", "data", "first_id", "last_id", "has_more"}
nlohmann::ordered_json list_object(std::vector<nlohmann::ordered_json> items, bool has_more);

/// As text; bytes that are no UTF-8 become U+FFFD.
std::string text_of(const nlohmann::ordered_json& j, int indent = -1);

} // namespace enrichd::sandbox
