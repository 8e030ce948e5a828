// SPDX-License-Identifier: Apache-2.0
#include "core/model_file.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/fault_list.hpp"
#include "core/suggest.hpp"

namespace enrichd {

namespace {

/// Who may, or must, have a key.
enum class wanted { maybe, always, summaries, maybe_summaries, embeddings };

bool required(wanted w, kind k) {
    switch (w) {
    case wanted::always: return true;
    case wanted::summaries: return k == kind::summaries;
    case wanted::embeddings: return k == kind::embeddings;
    case wanted::maybe:
    case wanted::maybe_summaries: return false;
    }
    return false;
}

bool allowed(wanted w, kind k) {
    switch (w) {
    case wanted::summaries:
    case wanted::maybe_summaries: return k == kind::summaries;
    case wanted::embeddings: return k == kind::embeddings;
    case wanted::maybe:
    case wanted::always: return true;
    }
    return false;
}

bool set_text(std::string& to, const toml::node& from) {
    const auto text = from.value_exact<std::string>();
    if (!text || text->empty()) return false;
    to = *text;
    return true;
}

bool set_choice(std::string& to, const toml::node& from, std::initializer_list<std::string_view> choices) {
    const auto text = from.value_exact<std::string>();
    if (!text || std::find(choices.begin(), choices.end(), *text) == choices.end()) return false;
    to = *text;
    return true;
}

template <class T>
bool set_whole(T& to, const toml::node& from, std::int64_t least, std::int64_t most) {
    const auto n = from.value_exact<std::int64_t>();
    if (!n || *n < least || *n > most) return false;
    to = static_cast<T>(*n);
    return true;
}

bool set_counts(std::vector<std::uint64_t>& to, const toml::node& from) {
    constexpr std::size_t usage_tiers = 5;
    const auto* list = from.as_array();
    if (!list || list->empty() || list->size() > usage_tiers) return false;
    std::vector<std::uint64_t> counts;
    for (const auto& node : *list)
        if (!set_whole(counts.emplace_back(), node, 1, 1'000'000'000'000)) return false;
    to = std::move(counts);
    return true;
}

bool set_flag(bool& to, const toml::node& from) {
    const auto flag = from.value_exact<bool>();
    if (flag) to = *flag;
    return flag.has_value();
}

bool set_date(std::string& to, const toml::node& from) {
    const auto date = from.value_exact<toml::date>();
    if (date) to = fmt::format("{:04}-{:02}-{:02}", date->year, date->month, date->day);
    return date.has_value();
}

// Dollars per million tokens, as a decimal in quotes or a whole number, to picodollars per token.
bool set_price(money& to, const toml::node& from) {
    std::optional<money> per_million;
    if (const auto text = from.value_exact<std::string>()) per_million = parse_dollars(*text);
    if (const auto n = from.value_exact<std::int64_t>()) per_million = parse_dollars(std::to_string(*n));
    if (!per_million || per_million->picodollars % 1'000'000 != 0) return false;
    to.picodollars = per_million->picodollars / 1'000'000;
    return true;
}

struct price_key {
    std::string_view name;
    money token_price::*field;
};

constexpr price_key price_keys[] = {{"input", &token_price::input},
                                    {"cached_input", &token_price::cached_input},
                                    {"output", &token_price::output}};

constexpr std::string_view price_form =
    "US dollars per million tokens in quotes, with at most six decimals, such as \"0.075\"";

struct model_key {
    std::string_view name;
    std::string_view expected;
    wanted by;
    bool (*set)(model&, const toml::node&);
};

constexpr std::int64_t largest_context = 100'000'000;

// Prices are missing here: they are tables of their own, see model_reader::read_prices().
const model_key model_keys[] = {
    {"tokenizer", "\"cl100k_base\" or \"o200k_base\"", wanted::always,
     [](model& m, const toml::node& n) {
         return set_choice(m.tokenizer, n, {"cl100k_base", "o200k_base"});
     }},
    {"tokenizer_exact", "true or false", wanted::maybe,
     [](model& m, const toml::node& n) { return set_flag(m.tokenizer_exact, n); }},
    {"headroom_percent", "a whole number from 0 to 100", wanted::maybe,
     [](model& m, const toml::node& n) { return set_whole(m.headroom_percent, n, 0, 100); }},
    {"token_cap_field", "\"max_tokens\" or \"max_completion_tokens\"", wanted::summaries,
     [](model& m, const toml::node& n) {
         return set_choice(m.token_cap_field, n, {"max_tokens", "max_completion_tokens"});
     }},
    {"accepts_temperature", "true or false", wanted::summaries,
     [](model& m, const toml::node& n) { return set_flag(m.accepts_temperature, n); }},
    {"reasoning_effort", "an effort such as \"none\", \"minimal\" or \"low\"", wanted::maybe_summaries,
     [](model& m, const toml::node& n) { return set_text(m.reasoning_effort.emplace(), n); }},
    {"dimensions", "a whole number from 1 to 65536", wanted::embeddings,
     [](model& m, const toml::node& n) { return set_whole(m.dimensions, n, 1, 65536); }},
    {"accepts_dimensions", "true or false", wanted::embeddings,
     [](model& m, const toml::node& n) { return set_flag(m.accepts_dimensions, n); }},
    {"context_tokens", "a whole number from 1 to 100000000", wanted::always,
     [](model& m, const toml::node& n) { return set_whole(m.context_tokens, n, 1, largest_context); }},
    {"enqueued_tokens", "a list of whole numbers, one for each usage tier from the first", wanted::maybe,
     [](model& m, const toml::node& n) { return set_counts(m.enqueued_tokens, n); }},
    {"enqueued_source", "where these limits were read", wanted::maybe,
     [](model& m, const toml::node& n) { return set_text(m.enqueued_source, n); }},
    {"prices_as_of", "a date without quotes, such as 2026-11-01", wanted::always,
     [](model& m, const toml::node& n) { return set_date(m.prices_as_of, n); }},
    {"prices_source", "the address where the prices were read", wanted::always,
     [](model& m, const toml::node& n) { return set_text(m.prices_source, n); }},
    {"shutdown", "a date without quotes, such as 2027-01-14", wanted::maybe,
     [](model& m, const toml::node& n) { return set_date(m.shutdown.emplace(), n); }},
    {"successor", "the name of a model", wanted::maybe,
     [](model& m, const toml::node& n) { return set_text(m.successor.emplace(), n); }},
};

std::string shown(const toml::node& n) {
    if (const auto text = n.value_exact<std::string>()) return fmt::format("\"{}\"", *text);
    if (const auto whole = n.value_exact<std::int64_t>()) return std::to_string(*whole);
    if (const auto real = n.value_exact<double>()) return fmt::format("the binary number {}", *real);
    if (const auto flag = n.value_exact<bool>()) return *flag ? "true" : "false";
    if (n.is_table()) return "a table";
    if (n.is_array()) return "a list";
    return "a date or time";
}

std::uint32_t line(const toml::node& n) {
    return n.source().begin.line;
}

/// Reads the table of one model over what is known of it.
class model_reader {
public:
    model_reader(std::string_view name, const toml::table& table, fault_list& faults)
        : path_(fmt::format("models.\"{}\"", name)), table_(table), faults_(faults) {}

    void read(model& m, bool is_new) {
        if (!read_kind(m, is_new)) return;
        for (const auto& key : model_keys)
            read_key(key, m, is_new);
        read_prices("batch", m.kind, is_new, [&](const token_price& p) { m.batch = p; });
        read_prices("standard", m.kind, false, [&](const token_price& p) { m.standard = p; });
        refuse_unknown();
    }

private:
    std::string at(std::string_view key) const { return fmt::format("{}.{}", path_, key); }

    bool read_kind(model& m, bool is_new) {
        const auto* node = table_.get("kind");
        if (!node && !is_new) return true;
        constexpr std::string_view form = "\"summaries\" or \"embeddings\"";
        if (!node) {
            faults_.add(line(table_), at("kind"), form, "nothing");
            return false;
        }
        const auto k = parse_kind(node->value_exact<std::string>().value_or(""));
        if (!k) {
            faults_.add(line(*node), at("kind"), form, shown(*node));
        } else if (!is_new && *k != m.kind) {
            faults_.add(line(*node), at("kind"),
                        fmt::format("\"{}\", as the program knows it", enrichd::name(m.kind)), shown(*node));
        } else {
            m.kind = *k;
            return true;
        }
        return false;
    }

    void read_key(const model_key& key, model& m, bool is_new) {
        const auto* node = table_.get(key.name);
        if (!node) {
            if (is_new && required(key.by, m.kind))
                faults_.add(line(table_), at(key.name), key.expected, "nothing");
        } else if (!allowed(key.by, m.kind)) {
            faults_.add(line(*node), at(key.name),
                        fmt::format("no such key in a model for {}", enrichd::name(m.kind)), shown(*node));
        } else if (!key.set(m, *node)) {
            faults_.add(line(*node), at(key.name), key.expected, shown(*node));
        }
    }

    template <class Store>
    void read_prices(std::string_view key, kind k, bool is_required, Store store) {
        const auto* node = table_.get(key);
        if (!node && !is_required) return;
        const auto* prices = node ? node->as_table() : nullptr;
        if (!prices) {
            faults_.add(line(node ? *node : table_), at(key),
                        "a table of prices such as { input = \"0.01\" }", node ? shown(*node) : "nothing");
            return;
        }
        token_price p;
        for (const auto& price : price_keys) {
            const auto* amount = prices->get(price.name);
            const auto path = fmt::format("{}.{}", at(key), price.name);
            const bool must = price.name == "input" || (price.name == "output" && k == kind::summaries);
            if (amount && !set_price(p.*price.field, *amount))
                faults_.add(line(*amount), path, price_form, shown(*amount));
            if (!amount && must) faults_.add(line(*prices), path, price_form, "nothing");
        }
        if (!prices->contains("cached_input")) p.cached_input = p.input;
        refuse_others(*prices, at(key), {"input", "cached_input", "output"});
        store(p);
    }

    void refuse_unknown() {
        std::vector<std::string> known = {"kind", "batch", "standard"};
        for (const auto& key : model_keys)
            known.emplace_back(key.name);
        refuse_others(table_, path_, known);
    }

    void refuse_others(const toml::table& table, std::string_view path,
                       const std::vector<std::string>& known) {
        for (const auto& [key, node] : table) {
            if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
            faults_.add(line(node), fmt::format("{}.{}", path, key.str()), "a known key",
                        fmt::format("an unknown one{}", did_you_mean(key.str(), known)));
        }
    }

    std::string path_;
    const toml::table& table_;
    fault_list& faults_;
};

void read_file(model_map& models, const toml::table& root, fault_list& faults) {
    for (const auto& [key, node] : root) {
        if (key.str() != "models") {
            faults.add(line(node), key.str(), "tables named [models.\"NAME\"] alone", shown(node));
            continue;
        }
        const auto* all = node.as_table();
        if (!all) {
            faults.add(line(node), "models", "tables named [models.\"NAME\"]", shown(node));
            continue;
        }
        for (const auto& [name, entry] : *all) {
            const auto* table = entry.as_table();
            if (!table) {
                faults.add(line(entry), fmt::format("models.\"{}\"", name.str()), "a table", shown(entry));
                continue;
            }
            const auto [at, is_new] = models.try_emplace(std::string(name.str()));
            at->second.name = at->first;
            model_reader(name.str(), *table, faults).read(at->second, is_new);
        }
    }
}

} // namespace

result<model_map> read_models(model_map known, std::string_view toml, std::string_view file_name) {
    fault_list faults(file_name);
    try {
        read_file(known, toml::parse(toml), faults);
    } catch (const toml::parse_error& e) {
        return error{errc::invalid_input, fmt::format("{}:{}: {}", file_name, e.source().begin.line,
                                                      safe_excerpt(e.description()))};
    }
    if (!faults.empty()) return error{errc::invalid_input, faults.text()};
    return known;
}

} // namespace enrichd
