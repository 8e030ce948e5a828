// SPDX-License-Identifier: Apache-2.0
#include "tests/support/postgres_server.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

namespace enrichd::tests {

namespace {

namespace fs = std::filesystem;

std::string read_file(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// The newest server of this machine.
std::string server_programs() {
    std::vector<std::pair<int, std::string>> found;
    if (fs::exists("/usr/lib/postgresql"))
        for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql"))
            if (fs::exists(entry.path() / "bin/initdb"))
                found.emplace_back(std::atoi(entry.path().filename().c_str()),
                                   (entry.path() / "bin").string());
    if (found.empty())
        throw std::runtime_error("there is no /usr/lib/postgresql/*/bin/initdb; install postgresql");
    return std::ranges::max(found).second;
}

void run(const std::string& command, const std::string& log) {
    const auto as_postgres = geteuid() == 0 ? "runuser -u postgres -- " : "";
    const auto line = fmt::format("cd / && {}{} >> {} 2>&1", as_postgres, command, log);
    if (std::system(line.c_str()) != 0) throw std::runtime_error(line + "\n" + read_file(log));
}

// SIGQUIT is pg_ctl's "immediate". One that is just being started finds its folder gone.
constexpr auto end_server = R"SH(
for tries in 1 2 3 4 5 6 7 8 9 10; do
    [ -e {0} ] || exit
    server=$(head -n 1 {0}/data/postmaster.pid) && kill -QUIT "$server" && sleep 0.2
    rm -rf {0}
    sleep 0.1
done
)SH";

} // namespace

postgres_server::postgres_server() {
    char name[] = "/tmp/enrichd-pg-XXXXXX";
    if (!mkdtemp(name)) throw std::runtime_error("mkdtemp failed");
    folder_ = name;
    will_.emplace(fmt::format(end_server, folder_));
    if (geteuid() == 0 && std::system(fmt::format("chown postgres {}", folder_).c_str()) != 0)
        throw std::runtime_error("there is no user postgres");
    run(fmt::format("{}/initdb -D {}/data -A trust -U postgres --no-sync --encoding=UTF8 --locale=C.UTF-8",
                    server_programs(), folder_),
        folder_ + "/initdb.log");
    start();
    postgres_client(url("template1"))
        .exec("CREATE EXTENSION vector"); // tests/support/build_pgvector.sh installs it
}

postgres_server::~postgres_server() {
    try {
        if (running_) stop("immediate");
    } catch (const std::exception&) {
        return; // the will tries again
    }
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

postgres_server& postgres_server::shared() {
    static postgres_server server;
    return server;
}

std::string postgres_server::url(std::string_view database, std::string_view user) const {
    return fmt::format("postgresql:///{}?host={}&user={}", database, folder_, user);
}

std::string postgres_server::create_database() {
    auto name = fmt::format("test_{}", ++databases_);
    postgres_client(url()).exec("CREATE DATABASE " + name);
    return name;
}

void postgres_server::require_password(std::string_view role) {
    const auto path = folder_ + "/data/pg_hba.conf";
    const auto rest = read_file(path);
    std::ofstream(path) << fmt::format("local all {} scram-sha-256\n{}", role, rest);
    postgres_client(url()).exec("SELECT pg_reload_conf()");
}

std::string postgres_server::log() const {
    return read_file(folder_ + "/server.log");
}

void postgres_server::pg_ctl(std::string_view arguments) const {
    run(fmt::format("{}/pg_ctl -D {}/data -w {}", server_programs(), folder_, arguments),
        folder_ + "/pg_ctl.log");
}

void postgres_server::start() {
    pg_ctl(fmt::format(
        "-o \"-k {0} -c listen_addresses='' -c fsync=off -c max_connections=40\" -l {0}/server.log start",
        folder_));
    running_ = true;
}

void postgres_server::stop(std::string_view mode) {
    pg_ctl(fmt::format("-m {} stop", mode));
    running_ = false;
}

postgres_client::postgres_client(const std::string& url) : conn_(PQconnectdb(url.c_str())) {
    if (PQstatus(conn_) == CONNECTION_OK) return;
    const std::string why = PQerrorMessage(conn_);
    PQfinish(conn_);
    throw std::runtime_error(why);
}

postgres_client::~postgres_client() {
    PQfinish(conn_);
}

std::string postgres_client::exec(const std::string& sql) {
    PGresult* r = PQexec(conn_, sql.c_str());
    const auto status = PQresultStatus(r);
    std::string out;
    if (status == PGRES_TUPLES_OK && PQntuples(r) > 0) out = PQgetvalue(r, 0, 0);
    PQclear(r);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        throw std::runtime_error(sql + ": " + PQerrorMessage(conn_));
    return out;
}

} // namespace enrichd::tests
