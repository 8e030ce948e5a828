// changelog_rows: fills a database with real text, the changelogs of the Debian packages on this machine.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/changelog.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "state/sqlite.hpp"

namespace fs = std::filesystem;
using enrichd::tests::changelog_entry;

namespace {

constexpr std::size_t whole_changelog_bytes = 100'000;
constexpr int exit_too_few = 3; ///< so that a script can bring more packages and try again

/// The schema of the module that enrichd follows, before any migration.
constexpr const char* sqlite_schema = R"SQL(
CREATE TABLE IF NOT EXISTS events (
    event_id TEXT PRIMARY KEY, authority TEXT, event_hash TEXT, title TEXT, url TEXT,
    pub_date TEXT, access_ts TEXT, summary_en TEXT, embedding BLOB);
CREATE TABLE IF NOT EXISTS documents (
    document_id TEXT PRIMARY KEY, event_id TEXT NOT NULL REFERENCES events, clean_text TEXT);
CREATE INDEX IF NOT EXISTS documents_by_event ON documents (event_id);
)SQL";

constexpr const char* postgres_schema = R"SQL(
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE events (
    event_id uuid PRIMARY KEY, authority text, event_hash text, title text, url text,
    pub_date timestamptz, access_ts timestamptz, summary_en text, embedding vector(1536));
CREATE TABLE documents (
    document_id uuid PRIMARY KEY, event_id uuid NOT NULL REFERENCES events, clean_text text);
CREATE INDEX documents_by_event ON documents (event_id);
)SQL";

/// One row of `events` with its row of `documents`.
struct event {
    std::string event_id, document_id, authority, hash, title, url, date, text;
};

std::array<unsigned char, 32> sha256(std::string_view text) {
    std::array<unsigned char, 32> digest{};
    unsigned int size = digest.size();
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
        throw std::runtime_error("SHA-256 is not available");
    }
    return digest;
}

/// A UUID made from a name, of version 8 (RFC 9562, 5.8): the same name, the same id, on every machine.
std::string uuid_of(std::string_view name) {
    auto digest = sha256(name);
    digest[6] = static_cast<unsigned char>((digest[6] & 0x0F) | 0x80);
    digest[8] = static_cast<unsigned char>((digest[8] & 0x3F) | 0x80);
    const auto hex = [&](std::size_t from, std::size_t to) {
        return fmt::format("{:02x}", fmt::join(std::span(digest).subspan(from, to - from), ""));
    };
    return fmt::format("{}-{}-{}-{}-{}", hex(0, 4), hex(4, 6), hex(6, 8), hex(8, 10), hex(10, 16));
}

event to_event(const changelog_entry& entry) {
    const std::string name = entry.package + "/" + entry.version;
    return {.event_id = uuid_of("event/" + name),
            .document_id = uuid_of("document/" + name),
            .authority = entry.package,
            .hash = fmt::format("{:02x}", fmt::join(sha256(entry.title + "\n" + entry.body), "")),
            .title = entry.title,
            .url = "https://tracker.debian.org/pkg/" + entry.package,
            .date = enrichd::tests::iso_time(entry.date_seconds),
            .text = entry.body};
}

/// The text of a file, compressed or not.
std::string read_gz(const fs::path& path) {
    gzFile file = gzopen(path.c_str(), "rb");
    if (file == nullptr) throw std::runtime_error("cannot open " + path.string());
    std::string text;
    std::array<char, 65536> block{};
    int read = 0;
    while ((read = gzread(file, block.data(), block.size())) > 0) {
        text.append(block.data(), static_cast<std::size_t>(read));
    }
    gzclose(file);
    if (read < 0) throw std::runtime_error("cannot read " + path.string());
    return text;
}

/// Everything that dpkg keeps below `docs`; packages that share one folder by a link are read once.
std::vector<changelog_entry> read_changelogs(const fs::path& docs) {
    std::set<fs::path> files;
    for (const auto& folder : fs::directory_iterator(docs)) {
        if (!folder.is_directory() || folder.is_symlink()) continue;
        for (const auto& file : fs::directory_iterator(folder)) {
            const std::string name = file.path().filename();
            if (name.starts_with("changelog") && file.is_regular_file()) files.insert(file.path());
        }
    }
    std::vector<changelog_entry> entries;
    for (const auto& file : files)
        std::ranges::move(enrichd::tests::parse_changelog(read_gz(file)), std::back_inserter(entries));
    return entries;
}

std::int64_t write_sqlite(const std::string& path, const std::vector<event>& events) {
    enrichd::sqlite::database db(path);
    db.exec(sqlite_schema);
    enrichd::sqlite::statement add_event(
        db, R"SQL(INSERT INTO events (event_id, authority, event_hash, title, url, pub_date, access_ts)
                  VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (event_id) DO NOTHING)SQL");
    enrichd::sqlite::statement add_document(db,
                                            R"SQL(INSERT INTO documents (document_id, event_id, clean_text)
                  VALUES (?, ?, ?) ON CONFLICT (document_id) DO NOTHING)SQL");
    enrichd::sqlite::transaction change(db);
    std::int64_t added = 0;
    for (const event& e : events) {
        added += add_event(e.event_id, e.authority, e.hash, e.title, e.url, e.date, e.date).run();
        add_document(e.document_id, e.event_id, e.text).run();
    }
    change.commit();
    return added;
}

/// A value in the text form of COPY.
std::string copy_escape(std::string_view value) {
    std::string out;
    for (char c : value) {
        switch (c) {
        case '\\': out += "\\\\"; break;
        case '\t': out += "\\t"; break;
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        default: out += c;
        }
    }
    return out;
}

void print_postgres(const std::vector<event>& events, bool schema) {
    fmt::print("\\set ON_ERROR_STOP on\nBEGIN;\n{}", schema ? postgres_schema : "");
    fmt::print(
        "COPY events (event_id, authority, event_hash, title, url, pub_date, access_ts) FROM stdin;\n");
    for (const event& e : events) {
        fmt::print("{}\t{}\t{}\t{}\t{}\t{}\t{}\n", e.event_id, e.authority, e.hash, copy_escape(e.title),
                   e.url, e.date, e.date);
    }
    fmt::print("\\.\nCOPY documents (document_id, event_id, clean_text) FROM stdin;\n");
    for (const event& e : events)
        fmt::print("{}\t{}\t{}\n", e.document_id, e.event_id, copy_escape(e.text));
    fmt::print("\\.\nCOMMIT;\n");
}

int run(int argc, char** argv) {
    CLI::App app("Fills a database with real text: the changelogs of the Debian packages on this machine.");
    std::vector<std::string> docs{"/usr/share/doc"};
    std::size_t limit = 400;
    std::string sqlite_file;
    bool postgres = false, schema = false;
    app.add_option("--docs", docs, "folders to read, as dpkg lays them out")->check(CLI::ExistingDirectory);
    app.add_option("--limit", limit, "number of rows, the newest first")->check(CLI::Range(20, 1'000'000));
    auto* sqlite = app.add_option("--sqlite", sqlite_file, "write into this file; rows that are there stay");
    auto* copy = app.add_flag("--postgres", postgres, "print SQL for psql");
    app.add_flag("--schema", schema, "with --postgres: create the tables too")->needs(copy);
    sqlite->excludes(copy);
    CLI11_PARSE(app, argc, argv);
    if (sqlite_file.empty() && !postgres) throw std::runtime_error("give --sqlite FILE or --postgres");

    std::vector<changelog_entry> entries;
    for (const auto& folder : docs)
        std::ranges::move(read_changelogs(folder), std::back_inserter(entries));
    const changelog_entry whole = enrichd::tests::whole_changelog(entries, whole_changelog_bytes);
    std::vector<changelog_entry> picked = enrichd::tests::pick_entries(std::move(entries), limit - 1);
    if (picked.size() < limit / 2) {
        fmt::print(stderr, "changelog_rows: only {} changelog entries in {}\n", picked.size(),
                   fmt::join(docs, ", "));
        return exit_too_few;
    }
    picked.push_back(whole);

    std::vector<event> events;
    for (const auto& entry : picked)
        events.push_back(to_event(entry));
    if (postgres) {
        print_postgres(events, schema);
    } else {
        const std::int64_t added = write_sqlite(sqlite_file, events);
        fmt::print("{}: {} rows of changelogs, {} of them new\n", sqlite_file, events.size(), added);
    }
    return EXIT_SUCCESS;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& e) {
        fmt::print(stderr, "changelog_rows: {}\n", e.what());
        return EXIT_FAILURE;
    }
}
