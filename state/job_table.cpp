// SPDX-License-Identifier: Apache-2.0
#include "state/job_table.hpp"

#include <fmt/format.h>

namespace enrichd {

namespace {

constexpr auto job_columns = R"SQL(
    id, run_id, kind, try, target, model, version, refresh_legacy, keep_versions, dimensions, window,
    file_name, file_sha256, file_bytes, requests, row_count, inputs,
    input_tokens, output_cap, bound_pd, price_input_pd, price_cached_pd, price_output_pd, reply_bytes, max_line_bytes,
    used_input, used_cached, used_output, used_reasoning, actual_pd,
    state, state_json, goal, cancel, revision, submissions, due_ms, failures, waiting_for, waiting_since_ms, cause,
    batch_id, ended_as, strays, created_ms, changed_ms, ended_ms, batch_total, batch_completed, batch_failed,
    maybe_duplicate, mark, signs_json
)SQL";

std::string select_jobs(std::string_view rest) {
    return fmt::format("SELECT {} FROM jobs {}", job_columns, rest);
}

std::uint64_t size(std::int64_t n) {
    return static_cast<std::uint64_t>(n);
}

job_plan read_plan(const sqlite::statement::use& r) {
    job_plan p;
    p.run_id = r.integer(1);
    p.kind = parse_kind(r.text(2)).value_or(kind::summaries);
    p.attempt = r.integer(3);
    p.target = r.text(4);
    p.model = r.text(5);
    p.version = r.text(6);
    p.refresh_legacy = r.integer(7) != 0;
    p.keep_versions = r.integer(8) != 0;
    p.dimensions = static_cast<std::uint32_t>(r.integer(9));
    p.window = r.text(10);
    p.file_name = r.text(11);
    p.file_sha256 = r.text(12);
    p.totals.bytes = size(r.integer(13));
    p.totals.requests = size(r.integer(14));
    p.row_count = size(r.integer(15));
    p.totals.embedding_inputs = size(r.integer(16));
    p.totals.input_tokens = size(r.integer(17));
    p.totals.output_cap = size(r.integer(18));
    p.totals.bound = money{r.integer(19)};
    p.price = {money{r.integer(20)}, money{r.integer(21)}, money{r.integer(22)}};
    p.totals.reply_bytes = size(r.integer(23));
    p.max_line_bytes = size(r.integer(24));
    return p;
}

job_row read_job(const sqlite::statement::use& r) {
    job_row row;
    row.id = r.integer(0);
    row.plan = read_plan(r);
    row.used = {r.integer(25), r.integer(26), r.integer(27), r.integer(28)};
    row.actual = money{r.integer(29)};
    row.state = read_state(r.text(30), r.text(31)).value(); // throws: a ledger of ours cannot hold another
    row.wishes = {parse_goal(r.text(32)).value_or(job::goal::built),
                  parse_cancel_reason(r.text(33)).value_or(job::cancel_reason::none)};
    row.revision = r.integer(34);
    row.submissions = r.integer(35);
    row.waiting = {r.optional_integer(36), r.integer(37), r.text(38), parse_cause(r.optional_text(40)),
                   parse_signs(r.text(52))};
    row.waiting_since_ms = r.optional_integer(39);
    row.batch_id = r.optional_text(41);
    row.ended_as = r.text(42);
    row.strays = r.integer(43);
    row.created_ms = r.integer(44);
    row.changed_ms = r.integer(45);
    row.ended_ms = r.optional_integer(46);
    if (!r.is_null(47)) row.counts = batch_counts{r.integer(47), r.integer(48), r.integer(49)};
    row.maybe_duplicate = r.integer(50) != 0;
    row.mark = r.text(51);
    return row;
}

std::int64_t number(std::uint64_t n) {
    return static_cast<std::int64_t>(n);
}

std::string_view ended_as(const job::state& s) {
    if (const auto* p = std::get_if<job::polling>(&s)) return name(p->status);
    if (const auto* f = std::get_if<job::fetched>(&s)) return name(f->ended_as);
    return "";
}

// A count that the provider told with this state.
std::optional<std::int64_t> told(const job::state& s, std::int64_t job::polling::*count) {
    const auto* p = std::get_if<job::polling>(&s);
    return p ? std::optional(p->*count) : std::nullopt;
}

} // namespace

job_table::job_table(sqlite::database& db)
    : insert_(db, R"SQL(
          INSERT INTO jobs (mark, run_id, kind, try, target, model, version, refresh_legacy, keep_versions, dimensions, window,
                            file_name, file_sha256, file_bytes, requests, row_count, inputs, input_tokens, output_cap,
                            bound_pd, open_bound_pd, price_input_pd, price_cached_pd, price_output_pd, reply_bytes,
                            max_line_bytes, used_input, used_cached, used_output, used_reasoning, actual_pd, unproven_pd,
                            state, state_json, goal, cancel, revision, submissions, maybe_duplicate, due_ms, failures,
                            waiting_for, signs_json,
                            waiting_since_ms, cause, batch_id, ended_as, strays, created_ms, changed_ms, ended_ms)
          VALUES (lower(hex(randomblob(4))), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, '', 0, 0, 0, 0, 0, 0, 0, 0, ?12, ?13, ?14, 0, 0,
                  0, 0, 0, 0, 0, 0, 'built', '{}', ?15, 'none', 1, 0, 0, NULL, 0, '', '', NULL, NULL, NULL, '', 0, ?16, ?16, NULL)
      )SQL"),
      set_plan_(db, R"SQL(
          UPDATE jobs
          SET file_sha256 = ?2, file_bytes = ?3, requests = ?4, row_count = ?5, inputs = ?6, input_tokens = ?7,
              output_cap = ?8, bound_pd = ?9, open_bound_pd = ?9, reply_bytes = ?10, max_line_bytes = ?11
          WHERE id = ?1
      )SQL"),
      find_(db, select_jobs("WHERE id = ?")),
      find_batch_(db, select_jobs("WHERE batch_id = ? ORDER BY id DESC LIMIT 1")),
      with_file_(db, select_jobs("WHERE file_sha256 = ? ORDER BY id DESC")),
      of_run_(db, select_jobs("WHERE run_id = ? ORDER BY id")),
      list_(db, select_jobs("ORDER BY id DESC LIMIT ?")),
      list_open_(db, select_jobs("WHERE ended_ms IS NULL ORDER BY id DESC LIMIT ?")),
      count_by_state_(db, "SELECT state, COUNT(*) FROM jobs GROUP BY state ORDER BY state"),
      due_(db, "SELECT id FROM jobs WHERE due_ms <= ? ORDER BY due_ms, id LIMIT ?"),
      next_due_(db, "SELECT id, due_ms FROM jobs WHERE due_ms IS NOT NULL ORDER BY due_ms LIMIT ?"),
      open_by_state_(db,
                     "SELECT state, COUNT(*) FROM jobs WHERE ended_ms IS NULL GROUP BY state ORDER BY state"),
      open_in_run_(
          db,
          "SELECT COUNT(*), COALESCE(SUM(open_bound_pd), 0) FROM jobs WHERE run_id = ? AND ended_ms IS NULL"),
      record_(db, R"SQL(
          UPDATE jobs
          SET state = ?3, state_json = ?4, revision = revision + 1, submissions = submissions + ?5,
              due_ms = ?6, failures = ?7, waiting_for = ?8, cause = ?9,
              waiting_since_ms = CASE WHEN ?8 = '' THEN NULL ELSE COALESCE(waiting_since_ms, ?10) END,
              batch_id = COALESCE(?11, batch_id),
              ended_as = CASE WHEN ?12 = '' THEN ended_as ELSE ?12 END,
              batch_total = COALESCE(?14, batch_total), batch_completed = COALESCE(?15, batch_completed),
              batch_failed = COALESCE(?16, batch_failed), maybe_duplicate = MAX(maybe_duplicate, ?17), signs_json = ?18,
              open_bound_pd = CASE WHEN ?13 IS NULL THEN open_bound_pd ELSE 0 END, -- every request has its outcome
              changed_ms = ?10, ended_ms = ?13
          WHERE id = ?1 AND revision = ?2
      )SQL"),
      postpone_(db, R"SQL(
          UPDATE jobs
          SET due_ms = ?2, failures = ?3, waiting_for = ?4, cause = ?5, changed_ms = ?6, signs_json = ?7,
              waiting_since_ms = CASE WHEN ?4 = '' THEN NULL ELSE COALESCE(waiting_since_ms, ?6) END
          WHERE id = ?1
      )SQL"),
      hear_of_tries_(db, "UPDATE jobs SET submissions = MAX(submissions, ?2) WHERE id = ?1"),
      wish_(db, R"SQL(
          UPDATE jobs SET goal = ?2, cancel = ?3, due_ms = ?4, revision = revision + 1, changed_ms = ?5 WHERE id = ?1
      )SQL"),
      start_run_(
          db,
          "UPDATE jobs SET goal = ?2, due_ms = ?3, changed_ms = ?4 WHERE run_id = ?1 AND state = 'built'"),
      usage_(db, R"SQL(
          UPDATE jobs
          SET used_input = used_input + ?2, used_cached = used_cached + ?3, used_output = used_output + ?4,
              used_reasoning = used_reasoning + ?5, actual_pd = actual_pd + ?6, strays = strays + ?7,
              open_bound_pd = open_bound_pd - ?8, unproven_pd = unproven_pd + ?9, changed_ms = ?10
          WHERE id = ?1
      )SQL"),
      prove_(db, "UPDATE jobs SET unproven_pd = 0, changed_ms = ?2 WHERE id = ?1"),
      open_bound_of_(db, "SELECT open_bound_pd FROM jobs WHERE id = ?"),
      remove_(db, "DELETE FROM jobs WHERE run_id = ?"),
      history_(db, R"SQL(
          INSERT INTO history (at_ms, run_id, job_id, from_state, to_state, event, detail) VALUES (?, ?, ?, ?, ?, ?, ?)
      )SQL") {}

std::int64_t job_table::create(const job_plan& p, job::goal until, std::int64_t now_ms) {
    insert_(p.run_id, name(p.kind), p.attempt, p.target, p.model, p.version, p.refresh_legacy ? 1 : 0,
            p.keep_versions ? 1 : 0, number(p.dimensions), p.window, p.file_name, p.price.input.picodollars,
            p.price.cached_input.picodollars, p.price.output.picodollars, name(until), now_ms)
        .run();
    auto newest = list_(1);
    newest.next();
    const auto id = newest.integer(0);
    history_(now_ms, p.run_id, id, "", "built", "built", p.file_name).run();
    return id;
}

void job_table::set_plan(std::int64_t id, const job_plan& p) {
    const auto& t = p.totals;
    set_plan_(id, p.file_sha256, number(t.bytes), number(t.requests), number(p.row_count),
              number(t.embedding_inputs), number(t.input_tokens), number(t.output_cap), t.bound.picodollars,
              number(t.reply_bytes), number(p.max_line_bytes))
        .run();
}

std::optional<job_row> job_table::find(std::int64_t id) {
    auto row = find_(id);
    if (!row.next()) return std::nullopt;
    return read_job(row);
}

std::optional<job_row> job_table::find_batch(const std::string& batch_id) {
    auto row = find_batch_(batch_id);
    if (!row.next()) return std::nullopt;
    return read_job(row);
}

std::vector<job_row> job_table::with_file(const std::string& sha256) {
    return with_file_(sha256).all(read_job);
}

std::vector<job_row> job_table::of_run(std::int64_t run_id) {
    return of_run_(run_id).all(read_job);
}

std::vector<job_row> job_table::list(bool open_only, std::int64_t limit) {
    return open_only ? list_open_(limit).all(read_job) : list_(limit).all(read_job);
}

std::map<std::string, std::int64_t> job_table::count_by_state() {
    std::map<std::string, std::int64_t> counts;
    auto rows = count_by_state_();
    while (rows.next())
        counts[rows.text(0)] = rows.integer(1);
    return counts;
}

std::vector<std::int64_t> job_table::due(std::int64_t now_ms, std::int64_t limit) {
    return due_(now_ms, limit).all([](const auto& row) { return row.integer(0); });
}

std::optional<std::int64_t> job_table::next_due(const std::set<std::int64_t>& but) {
    auto rows = next_due_(static_cast<std::int64_t>(but.size()) + 1);
    while (rows.next())
        if (but.count(rows.integer(0)) == 0) return rows.integer(1);
    return std::nullopt;
}

std::vector<std::pair<std::string, std::int64_t>> job_table::open_by_state() {
    return open_by_state_().all([](const auto& row) { return std::pair(row.text(0), row.integer(1)); });
}

std::int64_t job_table::open_in_run(std::int64_t run_id) {
    auto row = open_in_run_(run_id);
    return row.next() ? row.integer(0) : 0;
}

money job_table::open_bound(std::int64_t run_id) {
    auto row = open_in_run_(run_id);
    return row.next() ? money{row.integer(1)} : money{};
}

money job_table::open_bound_of(std::int64_t id) {
    auto row = open_bound_of_(id);
    return row.next() ? money{row.integer(0)} : money{};
}

result<void> job_table::record(const job_row& before, const job_change& c, std::int64_t now_ms) {
    const auto ended = job::has_ended(c.to) ? std::optional(now_ms) : std::nullopt;
    const auto due = ended ? std::nullopt : c.waiting.due_ms;
    const auto changed =
        record_(before.id, before.revision, name(c.to), state_fields(c.to), c.new_submissions, due,
                c.waiting.failures, c.waiting.reason, cause_word(c.waiting), now_ms, job::batch_id(c.to),
                ended_as(c.to), ended, told(c.to, &job::polling::total), told(c.to, &job::polling::completed),
                told(c.to, &job::polling::failed), c.maybe_duplicate ? 1 : 0, signs_word(c.waiting))
            .run();
    if (changed != 1)
        return error{errc::lost_race, fmt::format("job {} was changed by another turn", job_name(before.id))};
    if (name(before.state) != name(c.to))
        history_(now_ms, before.plan.run_id, before.id, name(before.state), name(c.to), c.event, c.detail)
            .run();
    return {};
}

void job_table::postpone(const job_row& before, const waiting& next, std::int64_t now_ms) {
    postpone_(before.id, next.due_ms, next.failures, next.reason, cause_word(next), now_ms, signs_word(next))
        .run();
}

void job_table::hear_of_tries(std::int64_t job_id, std::int64_t tries) {
    hear_of_tries_(job_id, tries).run();
}

void job_table::wish(const job_row& before, const job::wishes& w, const std::string& event,
                     std::int64_t now_ms) {
    // A wish is heeded at once, but where only time can tell what exists, and there is a time set for it.
    const bool at_once = !job::keeps_its_time(before.state) || !before.waiting.due_ms ||
                         w.cancel == job::cancel_reason::abandon;
    wish_(before.id, name(w.until), name(w.cancel), at_once ? std::optional(now_ms) : before.waiting.due_ms,
          now_ms)
        .run();
    history_(now_ms, before.plan.run_id, before.id, name(before.state), name(before.state), event, "").run();
}

void job_table::start_run(std::int64_t run_id, job::goal until, std::int64_t now_ms) {
    // Jobs that stay built wait for a person: they are not due.
    const auto due = until == job::goal::built ? std::nullopt : std::optional(now_ms);
    start_run_(run_id, name(until), due, now_ms).run();
}

void job_table::settle(std::int64_t id, const settlement& s, std::int64_t now_ms) {
    usage_(id, s.used.input_tokens, s.used.cached_tokens, s.used.output_tokens, s.used.reasoning_tokens,
           s.actual.picodollars, s.strays, s.released.picodollars, s.unproven.picodollars, now_ms)
        .run();
}

void job_table::prove(std::int64_t id, std::int64_t now_ms) {
    prove_(id, now_ms).run();
}

void job_table::remove_of_run(std::int64_t run_id) {
    remove_(run_id).run(); // and with them their history, requests, rows and tallies
}

} // namespace enrichd
