// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/postgres_result.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace enrichd::target {

namespace {

/// Classes and states that pass without anyone's doing.
bool may_pass(std::string_view state) {
    constexpr std::string_view passing[] = {"08", "40", "53", "57", "58", "25006", "55006", "55P03", "XX000"};
    return state.empty() || std::ranges::any_of(passing, [&](auto p) { return state.starts_with(p); });
}

std::string fix_for(std::string_view state, std::string_view grants) {
    if (state == "42501") return grants.empty() ? "" : fmt::format("; as its owner, run: {}", grants);
    if (state == "42P01" || state == "42703")
        return "; look at [source], [target] and enrichctl migrate --plan";
    if (state == "42804" || state == "42883")
        return "; cast in [source] query, so that key has the key column's type";
    if (state.starts_with("28")) return "; look at the user and password of [database] url";
    if (state == "3D000") return "; look at the database name of [database] url";
    return "";
}

} // namespace

void sql_rows::clear(pg_result* r) {
    PQclear(r);
}

int sql_rows::size() const {
    return PQntuples(result_.get());
}

std::vector<std::string> sql_rows::columns() const {
    const int count = PQnfields(result_.get());
    std::vector<std::string> names;
    names.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
        names.emplace_back(PQfname(result_.get(), i));
    return names;
}

std::uint32_t sql_rows::column_type(int column) const {
    return PQftype(result_.get(), column);
}

bool sql_rows::is_null(int row, int column) const {
    return PQgetisnull(result_.get(), row, column) != 0;
}

std::string_view sql_rows::bytes(int row, int column) const {
    return {PQgetvalue(result_.get(), row, column),
            static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

bool sql_rows::boolean(int row, int column) const {
    const auto b = bytes(row, column);
    return !b.empty() && b[0] != 0;
}

std::int64_t sql_rows::integer(int row, int column) const {
    const auto b = bytes(row, column);
    if (b.empty()) return 0;
    std::uint64_t n = (b[0] & 0x80) != 0 ? ~std::uint64_t{0} : 0; // sign
    for (const char c : b)
        n = n << 8 | static_cast<unsigned char>(c);
    return static_cast<std::int64_t>(n);
}

std::int64_t sql_rows::affected() const {
    const std::string_view count = PQcmdTuples(result_.get());
    std::int64_t n = 0;
    std::from_chars(count.data(), count.data() + count.size(), n);
    return n;
}

sql_failure read_failure(const pg_result* r, std::size_t step) {
    const auto field = [&](int code) {
        const char* text = PQresultErrorField(r, code);
        return std::string(text ? text : "");
    };
    sql_failure f{step, field(PG_DIAG_SQLSTATE), field(PG_DIAG_MESSAGE_PRIMARY)};
    if (f.message.empty()) f.message = PQresultErrorMessage(r); // libpq's own, as when the connection is lost
    while (f.message.ends_with('\n'))
        f.message.pop_back();
    return f;
}

bool is_refused_value(std::string_view state) {
    constexpr std::string_view classes[] = {"22", "23", "44", "54", "P0"};
    return std::ranges::any_of(classes, [&](auto c) { return state.starts_with(c); });
}

bool is_worth_repeating(std::string_view state) {
    return state == "40001" || state == "40P01" || state == "55P03";
}

error to_error(std::string_view doing, const sql_failure& f, std::string_view grants) {
    return {may_pass(f.state) ? errc::target_unavailable : errc::target_blocked,
            fmt::format("{}: {}{}{}", doing, f.message, f.state.empty() ? "" : fmt::format(" ({})", f.state),
                        fix_for(f.state, grants))};
}

} // namespace enrichd::target
