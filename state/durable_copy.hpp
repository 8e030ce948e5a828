// Files that survive power loss: one whose last sync failed, written anew under its name; and one just made.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace enrichd {

/// Copies what can be read of the file to "`path`.new" and makes that durable; absent if there is no such
/// file. Throws fatal_error(io).
std::optional<std::string> rewrite_beside(const std::string& path);

/// Gives the copy the file's name, durably. Throws fatal_error(io).
void put_in_place(const std::string& copy, const std::string& path);

/// Waits until a file that was just written, and its name, are on disk. Throws fatal_error(io).
void make_durable(const std::string& path);

/// Waits until the names in this folder are on disk: what was made in it, renamed or removed. False: errno
/// says why.
bool sync_folder(const std::filesystem::path& folder);

} // namespace enrichd
