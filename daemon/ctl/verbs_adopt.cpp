// adopt: batches that the ledger does not know.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "daemon/ctl/table.hpp"
#include "daemon/ctl/text.hpp"
#include "daemon/ctl/verbs.hpp"
#include "daemon/ctl/views.hpp"

namespace enrichd::ctl {

namespace {

void tell_adoption(session& s, const std::string& id, const json& body) {
    const fields f(body);
    const auto job = read_job(f.object("job"));
    if (f.text("status") == "already_known") {
        s.print(fmt::format("{}: the ledger has it already: job {}, {}\n", escape(id), escape(job.id),
                            escape(job.stage())));
        return;
    }
    if (f.text("status") == "booked") {
        s.print(fmt::format(
            "{}: its answers are gone, and nothing is merged; what it cost, {}, is booked as job {}\n",
            escape(id), dollars(job.actual_usd), escape(job.id)));
        return;
    }
    auto line = fmt::format("{}: adopted as job {}, {}, {}", escape(id), escape(job.id),
                            counted(f.count("requests"), "request"), counted(f.count("rows"), "row"));
    if (const auto n = f.count("in_flight"); n > 0)
        line += fmt::format("; {} of these in flight in another job too: the first answer is written", n);
    const auto unsent = f.texts("unsent_jobs");
    if (!unsent.empty())
        line += fmt::format(
            "; cancelled, as nothing of it was sent and the same would have been bought again: job "
            "{} (`enrichctl run` takes the rest of its rows)",
            escape(fmt::format("{}", fmt::join(unsent, ", "))));
    if (const auto n = f.count("unmatched"); n > 0)
        line += fmt::format("; no row needs the results of {}: done already, changed or gone",
                            counted(n, "request"));
    if (f.flag("from_answers"))
        line += "; its request file is gone: requests without an answer are not known";
    s.print(fmt::format("{}\nnext: enrichctl poll {}\n", line, escape(f.text("run_id"))));
}

awaitable<exit_code> leave_one(session& s, std::string id) {
    json order = json::object();
    order["batch_id"] = id;
    order["leave"] = true;
    auto r = co_await s.post(route_id::adopt, std::string(), order);
    if (!r) co_return r.error().code;
    if (!s.print_json(*r))
        s.print(fmt::format("{}: let go; what it holds may be bought again\n", escape(id)));
    co_return exit_code::ok;
}

awaitable<exit_code> adopt_one(session& s, std::string id) {
    json order = json::object();
    order["batch_id"] = id;
    auto r = co_await s.post(route_id::adopt, std::string(), order);
    if (!r) co_return r.error().code;
    if (!s.print_json(*r)) tell_adoption(s, id, r->body);
    co_return exit_code::ok;
}

// What ends here would end for the batches behind it too.
bool ends_all(exit_code code) {
    return code == exit_code::unreachable || code == exit_code::not_permitted ||
           code == exit_code::database || code == exit_code::interrupted;
}

// Each in a call of its own, so that what was adopted is told while the next is under way. One that fails
// does not keep the others.
awaitable<exit_code> adopt_all(session& s, json list) {
    for (const auto& text : fields(list).texts("warnings"))
        s.shown.note("warning: " + escape(text));
    list.erase("warnings");
    auto end = exit_code::ok;
    json left = json::array();
    for (const auto& batch : fields(list).list("batches")) {
        const fields f(batch);
        if (!f.flag("can_adopt") || f.flag("let_go")) {
            left.push_back(batch);
            continue;
        }
        const auto take = s.opt.has(flag_id::leave) ? leave_one : adopt_one;
        const auto code = co_await take(s, f.text("batch_id"));
        // Of what was merged long ago the provider has no files any more: that is no failure.
        if (end == exit_code::ok && code != exit_code::no_such_job) end = code;
        if (ends_all(code)) co_return code;
    }
    list["batches"] = std::move(left);
    const bool all_adopted = list["batches"].empty();
    if (!s.opt.json && !all_adopted) s.print("left alone:\n" + show_adoptable(list, s.term));
    co_return end;
}

} // namespace

std::string show_adoptable(const json& reply, const terminal& term) {
    const fields f(reply);
    table t({{"BATCH", 0, false, 12},
             {"KIND", 1},
             {"CREATED", 3},
             {"STATUS", 1},
             {"REQUESTS", 4, true},
             {"INSTALLATION", 5},
             {"ADOPT", 0},
             {"NOTE", 2, false, 20}});
    for (const auto& row : f.list("batches")) {
        const fields b(row);
        const auto created = b.time("created_ms");
        const bool can = b.flag("can_adopt");
        t.add({{b.text("batch_id")},
               {b.text("kind")},
               {created ? relative(*created, now_ms()) : ""},
               {b.text("batch_status")},
               {fmt::format("{}", b.count("requests"))},
               {b.flag("is_ours") ? "this one" : b.text("installation")},
               {can ? "yes" : "no", can ? color::green : color::yellow},
               {b.text("note")}});
    }
    auto out = t.empty() ? std::string("the ledger knows every batch of enrichd that the provider lists\n")
                         : t.render(term);
    for (const auto& text : f.texts("warnings"))
        out += fmt::format("{} {}\n", term.paint(color::yellow, "warning:"), escape(text));
    return out;
}

awaitable<exit_code> do_adopt(session& s) {
    const bool all = s.opt.has(flag_id::all);
    const auto id = s.opt.id();
    if (all && !id.empty())
        co_return s.fail(exit_code::usage, "adopt: either a batch or --all, not both", "enrichctl adopt")
            .code;
    const bool leave = s.opt.has(flag_id::leave);
    if (leave && !all && id.empty())
        co_return s.fail(exit_code::usage, "adopt: --leave needs a batch, or --all", "enrichctl adopt").code;
    if (!id.empty() && leave) co_return co_await leave_one(s, id);
    if (!id.empty()) co_return co_await adopt_one(s, id);
    auto list = co_await s.get(route_id::adoptable);
    if (!list) co_return list.error().code;
    const auto& batches = fields(list->body).list("batches");
    const bool any = std::any_of(batches.begin(), batches.end(),
                                 [](const json& b) { return fields(b).flag("can_adopt"); });
    const bool shown = s.print_json(*list);
    if (all && any) co_return co_await adopt_all(s, list->body);
    if (!shown) s.print(show_adoptable(list->body, s.term));
    if (!shown && any) s.print("next: enrichctl adopt BATCH, or enrichctl adopt --all\n");
    co_return exit_code::ok;
}

} // namespace enrichd::ctl
