// SPDX-License-Identifier: Apache-2.0
#include "core/batch_label.hpp"

#include "core/sha256.hpp"
#include "core/utf8.hpp"

#include <span>

namespace enrichd {

namespace {

constexpr auto submission_key = "enrichd_submission";
constexpr auto installation_key = "enrichd_installation";
constexpr auto job_key = "enrichd_job";
constexpr auto kind_key = "enrichd_kind";
constexpr auto version_key = "enrichd_version";
constexpr auto sha256_key = "enrichd_sha256";
constexpr auto target_key = "enrichd_target";
constexpr auto refresh_key = "enrichd_refresh"; // "legacy"
constexpr auto keep_key = "enrichd_keep";       // "versions"

std::string value_of(const std::map<std::string, std::string>& metadata, const char* key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string() : found->second;
}

} // namespace

std::string target_mark(std::string_view identity) {
    const auto digest = sha256::of(identity);
    return to_hex(std::span(digest).first(8));
}

std::string metadata_value(std::string_view text) {
    const auto whole = replace_invalid_utf8(text).text;
    return whole.substr(0, utf8_border_before(whole, longest_metadata_value));
}

std::map<std::string, std::string> to_metadata(const batch_label& label) {
    std::map<std::string, std::string> all = {
        {submission_key, metadata_value(label.submission)},
        {installation_key, metadata_value(label.installation)},
        {job_key, metadata_value(label.job)},
        {version_key, metadata_value(label.version)},
        {sha256_key, metadata_value(label.sha256)},
        {target_key, metadata_value(label.target)},
    };
    if (label.kind) all[kind_key] = name(*label.kind);
    if (label.refresh_legacy) all[refresh_key] = "legacy";
    if (label.keep_versions) all[keep_key] = "versions";
    return all;
}

std::optional<batch_label> read_label(const std::map<std::string, std::string>& metadata) {
    if (!metadata.contains(submission_key) || !metadata.contains(installation_key)) return std::nullopt;
    batch_label label;
    label.submission = value_of(metadata, submission_key);
    label.installation = value_of(metadata, installation_key);
    label.job = value_of(metadata, job_key);
    label.kind = parse_kind(value_of(metadata, kind_key));
    label.version = value_of(metadata, version_key);
    label.sha256 = value_of(metadata, sha256_key);
    label.target = value_of(metadata, target_key);
    label.refresh_legacy = value_of(metadata, refresh_key) == "legacy";
    label.keep_versions = value_of(metadata, keep_key) == "versions";
    return label;
}

} // namespace enrichd
