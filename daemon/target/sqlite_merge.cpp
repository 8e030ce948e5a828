// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/sqlite_merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <variant>

#include "core/overloaded.hpp"
#include "daemon/target/merge_log.hpp"

namespace enrichd::target {

namespace {

static_assert(std::endian::native == std::endian::little, "vectors are stored as they lie in memory");

/// A key as the database holds it, so that it is found whatever the column's declared type.
using key_value = std::variant<std::int64_t, double, std::string, std::vector<std::byte>>;

/// What the database says of one row of the slice.
struct row_state {
    key_value key;
    need why{};
    bool same_text = false;
};
using row_states = std::unordered_map<std::string, row_state>;

template <class Number>
std::optional<Number> parse_whole(std::string_view text) {
    Number n{};
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return n;
}

std::optional<std::vector<std::byte>> parse_blob(std::string_view text) {
    if (text.size() < 3 || !text.starts_with("x'") || !text.ends_with('\'')) return std::nullopt;
    text = text.substr(2, text.size() - 3);
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        unsigned byte = 0;
        const auto [end, failure] = std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
        if (failure != std::errc() || end != text.data() + i + 2) return std::nullopt;
        bytes.push_back(static_cast<std::byte>(byte));
    }
    return bytes;
}

/// The slice's keys, in each type that their text could stand for.
void fill_slice(sqlite::database& db, const std::vector<merge_row>& rows) {
    db.exec("DELETE FROM temp.enrichd_slice");
    sqlite::statement add(db, "INSERT INTO temp.enrichd_slice VALUES (?)");
    for (const auto& row : rows) {
        add(row.key).run();
        if (const auto n = parse_whole<std::int64_t>(row.key))
            add(*n).run();
        else if (const auto x = parse_whole<double>(row.key))
            add(*x).run();
        else if (const auto blob = parse_blob(row.key))
            add(std::span<const std::byte>(*blob)).run();
    }
}

key_value read_key(const sqlite::statement::use& row, int type_column, int column) {
    const auto type = row.text(type_column);
    if (type == "integer") return row.integer(column);
    if (type == "real") return row.real(column);
    if (type == "text") return row.text(column);
    const auto blob = row.blob(column);
    return std::vector<std::byte>(blob.begin(), blob.end());
}

row_states read_states(sqlite::database& db, const sqlite_settings& s, const merge_slice& slice,
                       const std::string& source) {
    std::unordered_map<std::string_view, const text_hash*> hashes;
    for (const auto& row : slice.rows)
        hashes.emplace(row.key, &row.hash);
    const auto key = "t." + quote_identifier(s.target.key_column);
    const auto columns = columns_of(slice.want.kind, s.target);
    const auto hash = source_hash_sql(sql_dialect::sqlite, "s.title", "s.text");
    sqlite::statement read(
        db, fmt::format(
                "SELECT {key_text}, typeof({key}), {key}, {need}, {hash} FROM ({source}) s JOIN {table} t ON "
                "{key} = s.key WHERE {key} IN (SELECT candidate FROM temp.enrichd_slice)",
                fmt::arg("key_text", sqlite_key_text(key)), fmt::arg("key", key),
                fmt::arg("need", row_need_sql("t", columns, slice.want, hash)), fmt::arg("hash", hash),
                fmt::arg("source", source), fmt::arg("table", quote_identifier(s.target.table))));
    row_states states;
    for (auto row = read(); row.next();) {
        auto text = row.text(0);
        const auto sent = hashes.find(text);
        if (sent == hashes.end()) continue;
        const auto current = row.blob(4);
        const bool same = std::ranges::equal(current, *sent->second);
        states.emplace(std::move(text),
                       row_state{read_key(row, 1, 2), parse_need(row.text(3)).value(), same});
    }
    return states;
}

/// The statement that writes one row; its parameters are value, model, version, source hash, key.
std::string update_sql(const sqlite_settings& s, enrichd::kind k) {
    const auto c = columns_of(k, s.target);
    const auto table = quote_identifier(s.target.table);
    return fmt::format(
        "UPDATE {0} SET {1} = ?, {2} = ?, {3} = ?, {4} = ?, {5} = strftime('%Y-%m-%dT%H:%M:%fZ', "
        "'now') WHERE {0}.{6} = ?",
        table, quote_identifier(c.value), quote_identifier(c.model), quote_identifier(c.version),
        quote_identifier(c.source_hash), quote_identifier(c.ts), quote_identifier(s.target.key_column));
}

/// Rows whose refusal ended the transaction, each with its reason: they are left out when it is begun again.
using refusals = std::unordered_map<std::string_view, std::string>;

merged_row write_row(sqlite::statement& update, const wanted& want, const merge_row& row,
                     const key_value& key) {
    if (auto problem = value_problem(row, 0); !problem.empty()) return {outcome::invalid, std::move(problem)};
    auto use = update();
    std::visit(overloaded{[&](const std::string& text) { use.bind(text); },
                          [&](const std::vector<float>& v) { use.bind(std::as_bytes(std::span(v))); }},
               row.value);
    use.bind(want.model).bind(want.version).bind(std::span<const std::byte>(row.hash));
    std::visit(
        overloaded{[&](const std::vector<std::byte>& blob) { use.bind(std::span<const std::byte>(blob)); },
                   [&](const auto& scalar) { use.bind(scalar); }},
        key);
    try {
        if (use.run() == 0) return {outcome::invalid, "a trigger kept the value from being written"};
    } catch (const sqlite::sqlite_error& e) {
        if (!is_refused_value(e)) throw;
        return {outcome::invalid, e.what()};
    }
    return {};
}

/// What became of each row. Nothing if the refusal of one ended the transaction: RAISE(ROLLBACK), or ON
/// CONFLICT ROLLBACK. It is among the refused then.
std::optional<std::vector<merged_row>> write_rows(sqlite::database& db, const sqlite_settings& s,
                                                  const merge_slice& slice, const row_states& states,
                                                  refusals& refused) {
    sqlite::statement update(db, update_sql(s, slice.want.kind));
    std::unordered_set<std::string_view> seen;
    std::vector<merged_row> out;
    out.reserve(slice.rows.size());
    for (const auto& row : slice.rows) {
        const auto state = states.find(row.key);
        if (!seen.insert(row.key).second)
            out.push_back({outcome::skipped, "the slice names this row twice"});
        else if (state == states.end())
            out.push_back({outcome::gone, "the row is not there any more"});
        else if (!needs_work(state->second.why))
            out.push_back({outcome::skipped, fmt::format("needs no work: {}", name(state->second.why))});
        else if (!state->second.same_text)
            out.push_back({outcome::stale, "the text changed meanwhile"});
        else if (const auto before = refused.find(row.key); before != refused.end())
            out.push_back({outcome::invalid, before->second});
        else
            out.push_back(write_row(update, slice.want, row, state->second.key));
        if (!db.in_transaction()) {
            refused.emplace(row.key, out.back().reason);
            return std::nullopt;
        }
    }
    return out;
}

/// One try. Nothing if it has to be begun again, without one row more of the refused.
result<std::optional<merge_reply>> try_to_merge(sqlite::database& db, const sqlite_settings& s,
                                                const merge_slice& slice, refusals& refused) {
    sqlite::transaction tx(db);
    sqlite::statement find(db, "SELECT outcomes FROM enrichd_merge_log WHERE submission = ? AND number = ?");
    if (auto row = find(slice.submission, slice.number); row.next()) {
        auto rows = unpack_outcomes(row.text(0), slice.rows.size());
        if (!rows) return rows.error();
        return merge_reply{std::move(*rows), true};
    }
    const auto source = sqlite_source(db, s, "(SELECT candidate FROM temp.enrichd_slice)");
    if (!source) return source.error();
    fill_slice(db, slice.rows);
    auto rows = write_rows(db, s, slice, read_states(db, s, slice, *source), refused);
    if (!rows) return std::nullopt;
    merge_reply reply{std::move(*rows), false};
    sqlite::statement log(
        db, "INSERT INTO enrichd_merge_log (submission, number, outcomes, merged_at) VALUES (?, ?, "
            "?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))");
    log(slice.submission, slice.number, pack_outcomes(reply.rows)).run();
    tx.commit();
    return reply;
}

} // namespace

result<merge_reply> merge_into_sqlite(sqlite::database& db, const sqlite_settings& s,
                                      const merge_slice& slice) {
    refusals refused; // each try adds one: it ends
    while (true) {
        auto reply = try_to_merge(db, s, slice, refused);
        if (!reply) return reply.error();
        if (*reply) return std::move(**reply);
    }
}

} // namespace enrichd::target
