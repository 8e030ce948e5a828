// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/sqlite_target.hpp"

#include "daemon/target/identity.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "daemon/on_pool.hpp"
#include "daemon/target/sqlite_merge.hpp"
#include "daemon/target/sqlite_read.hpp"
#include "daemon/target/sqlite_schema.hpp"

namespace enrichd::target {

// Closures have names here: g++ 12 destroys a temporary one inside a co_await expression twice
// (https://gcc.gnu.org/bugzilla/show_bug.cgi?id=99576).

namespace {

class sqlite_stream final : public row_stream {
public:
    sqlite_stream(boost::asio::any_io_executor pool, std::string doing,
                  std::unique_ptr<sqlite_selection> rows)
        : pool_(std::move(pool)), doing_(std::move(doing)), rows_(std::move(rows)) {}

    awaitable<result<std::vector<source_row>>> next() override {
        auto work = [rows = rows_, doing = doing_] {
            return guard_sqlite<std::vector<source_row>>(doing, [&] { return rows->next(); });
        };
        co_return co_await on_pool(pool_, std::move(work));
    }

private:
    boost::asio::any_io_executor pool_;
    std::string doing_;
    std::shared_ptr<sqlite_selection> rows_;
};

} // namespace

struct sqlite_target::shared {
    sqlite_settings settings;
    std::optional<sqlite::database> db; ///< used on the pool, by the one call that is inside the turnstile
};

sqlite_target::sqlite_target(boost::asio::any_io_executor pool, std::string path, const config& c,
                             std::chrono::milliseconds busy)
    : pool_(std::move(pool)), shared_(std::make_shared<shared>()) {
    shared_->settings = {std::move(path), c.database_name, c.source, c.target,
                         static_cast<int>(busy.count())};
}

std::string sqlite_target::identity() const {
    const auto& settings = shared_->settings;
    if (!settings.name.empty()) return make_identity(settings.name, settings.target.table);
    // The same file has one name, wherever the daemon was started from.
    std::error_code failure;
    const auto path = std::filesystem::weakly_canonical(settings.path, failure);
    return make_identity("sqlite:" + (failure ? settings.path : path.string()), settings.target.table);
}

template <class T>
awaitable<result<T>> sqlite_target::call(std::string_view doing, work_function<T> work) {
    const auto inside = co_await one_at_a_time_.enter();
    const auto on_file = [shared = shared_, work,
                          text = fmt::format("{} {}", doing, shared_->settings.path)] {
        auto reply = guard_sqlite<T>(text, [&] {
            if (!shared->db) shared->db = open_sqlite_target(shared->settings);
            return work(*shared->db, shared->settings);
        });
        if (!reply) shared->db.reset();
        return reply;
    };
    co_return co_await on_pool(pool_, std::move(on_file));
}

awaitable<result<column_report>> sqlite_target::inspect(enrichd::kind k) {
    work_function<column_report> work = [k](auto& db, const auto& s) { return inspect_sqlite(db, s, k); };
    co_return co_await call<column_report>("inspecting", std::move(work));
}

awaitable<result<std::unique_ptr<row_stream>>> sqlite_target::read(selection s) {
    const auto doing = fmt::format("reading {}", shared_->settings.path);
    auto open = [shared = shared_, s = std::move(s), doing] {
        return guard_sqlite<std::unique_ptr<sqlite_selection>>(
            doing, [&] { return sqlite_selection::open(shared->settings, s); });
    };
    auto rows = co_await on_pool(pool_, std::move(open));
    if (!rows) co_return rows.error();
    co_return std::make_unique<sqlite_stream>(pool_, doing, std::move(*rows));
}

awaitable<result<merge_reply>> sqlite_target::merge(merge_slice slice) {
    work_function<merge_reply> work = [slice = std::move(slice)](auto& db, const auto& s) {
        return merge_into_sqlite(db, s, slice);
    };
    co_return co_await call<merge_reply>("merging into", std::move(work));
}

awaitable<result<std::vector<migration_step>>> sqlite_target::plan_migration() {
    work_function<std::vector<migration_step>> work = plan_sqlite_migration;
    co_return co_await call<std::vector<migration_step>>("looking at", std::move(work));
}

awaitable<result<std::vector<migration_step>>> sqlite_target::migrate() {
    work_function<std::vector<migration_step>> work = migrate_sqlite;
    co_return co_await call<std::vector<migration_step>>("migrating", std::move(work));
}

} // namespace enrichd::target
