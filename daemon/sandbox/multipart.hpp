// multipart/form-data (RFC 7578), read as it comes: bytes in, parts out, nothing kept but a boundary's
// length.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace enrichd::sandbox {

/// What becomes of the parts. An error ends the reading, and push() returns it.
class part_sink {
public:
    virtual ~part_sink() = default;
    /// A new part; `filename` is absent for an ordinary field.
    virtual result<void> begin_part(std::string name, std::optional<std::string> filename) = 0;
    virtual result<void> part_bytes(std::string_view piece) = 0;
    virtual result<void> end_part() = 0;
};

class multipart_reader {
public:
    /// `boundary` as the Content-Type field gives it.
    multipart_reader(std::string_view boundary, part_sink& sink);

    /// Errors: invalid_input where it is no multipart body, and what the sink says.
    result<void> push(std::string_view bytes);
    /// Whether the closing boundary was seen.
    bool complete() const { return where_ == place::after; }

private:
    enum class place { before, at_boundary, in_head, in_part, after };

    result<bool> step();
    result<bool> read_boundary_end();
    result<bool> read_head();
    result<bool> read_part();

    std::string delimiter_; ///< CR LF "--" boundary
    part_sink& sink_;
    place where_ = place::before;
    std::string pending_;
};

/// The boundary of a Content-Type field; absent where it is no multipart/form-data.
std::optional<std::string> multipart_boundary(std::string_view content_type);

} // namespace enrichd::sandbox
