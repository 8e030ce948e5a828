// SPDX-License-Identifier: Apache-2.0
#include "core/model.hpp"

#include "tests/support/catch.hpp"

using namespace enrichd;

namespace {

money per_million(const money& per_token) {
    return money{per_token.picodollars * 1'000'000};
}

std::string refusal(std::string_view toml) {
    auto catalogue = model_catalogue::built_in();
    const auto r = catalogue.overlay(toml, "mine.toml");
    if (r) return "none";
    CHECK(r.error().code == errc::invalid_input);
    return r.error().detail;
}

constexpr std::string_view own_model = R"(
[models."local-mini"]
kind = "summaries"
tokenizer = "o200k_base"
token_cap_field = "max_tokens"
accepts_temperature = true
context_tokens = 32000
batch = { input = "0.000001", cached_input = 0, output = 1 }
prices_as_of = 2026-11-20
prices_source = "https://prices.example/"
)";

} // namespace

TEST_CASE("the guide's models have the guide's prices", "[core][model]") {
    const auto models = model_catalogue::built_in();
    const auto chat = models.find("gpt-4o-mini", kind::summaries).value();
    CHECK(exact_dollars(per_million(chat.batch.input)) == "0.075");
    CHECK(exact_dollars(per_million(chat.batch.output)) == "0.3");
    CHECK(exact_dollars(per_million(chat.standard->input)) == "0.15");
    const auto vectors = models.find("text-embedding-3-small", kind::embeddings).value();
    CHECK(vectors.batch.input.picodollars == 10'000);
    CHECK(vectors.batch.output.picodollars == 0);
    CHECK(vectors.dimensions == 1536);
    CHECK(vectors.tokenizer == "cl100k_base");
}

TEST_CASE("every model of the table is complete and consistent", "[core][model]") {
    const auto models = model_catalogue::built_in();
    for (const auto& [name, m] : models.all()) {
        CAPTURE(name);
        CHECK(m.name == name);
        CHECK((m.tokenizer == "cl100k_base" || m.tokenizer == "o200k_base"));
        CHECK(m.tokenizer_exact == (m.headroom_percent == 0));
        CHECK(m.context_tokens >= 8192);
        CHECK(m.batch.input.picodollars > 0);
        CHECK(m.batch.cached_input <= m.batch.input);
        REQUIRE(m.standard);
        CHECK(m.standard->input.picodollars == 2 * m.batch.input.picodollars);
        CHECK(m.standard->output.picodollars == 2 * m.batch.output.picodollars);
        CHECK(m.prices_as_of.size() == 10);
        CHECK(m.prices_source.substr(0, 8) == "https://");
        CHECK((m.kind == kind::embeddings) == (m.dimensions > 0));
        CHECK((m.kind == kind::summaries) == (m.batch.output.picodollars > 0));
        CHECK((m.kind == kind::summaries) == !m.token_cap_field.empty());
        if (m.successor) CHECK(models.all().contains(*m.successor));
    }
}

TEST_CASE("a family that reasons is asked not to, as far as it can", "[core][model]") {
    const auto models = model_catalogue::built_in();
    const auto luna = models.find("gpt-6-luna", kind::summaries).value();
    CHECK(luna.reasoning_effort == "none");
    CHECK(luna.accepts_temperature);
    CHECK(luna.token_cap_field == "max_completion_tokens");
    CHECK(luna.headroom_percent == 15);
    const auto five = models.find("gpt-5-mini", kind::summaries).value();
    CHECK(five.reasoning_effort == "minimal");
    CHECK_FALSE(five.accepts_temperature);
    const auto mini = models.find("gpt-4o-mini", kind::summaries).value();
    CHECK_FALSE(mini.reasoning_effort);
    CHECK(mini.shutdown == "2027-01-14");
    CHECK(mini.successor == "gpt-6-luna");
}

TEST_CASE("an unknown model is refused, and the refusal says what to do", "[core][model]") {
    auto models = model_catalogue::built_in();
    const auto unknown = models.find("text-embeding-3-small", kind::embeddings);
    REQUIRE(unknown.has_error());
    CHECK(unknown.error().code == errc::invalid_input);
    CHECK(
        unknown.error().detail ==
        "unknown model \"text-embeding-3-small\" for embeddings (did you mean \"text-embedding-3-small\"?); "
        "known are text-embedding-3-large, text-embedding-3-small, text-embedding-ada-002. Prices and "
        "request "
        "fields of another must be given, never guessed: add a table [models.\"text-embeding-3-small\"] to a "
        "file of your own, and name it in the configuration as [models] file (docs/configuration.md, "
        "\"Models\")");

    REQUIRE(models.overlay(own_model, "/etc/enrichd/models.toml").has_value());
    const auto still = models.find("gpt-9", kind::summaries);
    REQUIRE(still.has_error());
    CHECK(still.error().detail.find("local-mini") != std::string::npos);
    CHECK(still.error().detail.find("to /etc/enrichd/models.toml") != std::string::npos);
}

TEST_CASE("a model is not taken for the other kind", "[core][model]") {
    const auto r = model_catalogue::built_in().find("gpt-4o-mini", kind::embeddings);
    REQUIRE(r.has_error());
    CHECK(r.error().detail.find("is for summaries, not for embeddings") != std::string::npos);
}

TEST_CASE("a file of one's own adds a model, with exact prices", "[core][model]") {
    auto models = model_catalogue::built_in();
    REQUIRE(models.overlay(own_model, "mine.toml").has_value());
    const auto m = models.find("local-mini", kind::summaries).value();
    CHECK(m.batch.input.picodollars == 1);
    CHECK(m.batch.cached_input.picodollars == 0);
    CHECK(m.batch.output.picodollars == 1'000'000);
    CHECK(m.prices_as_of == "2026-11-20");
    CHECK(m.tokenizer_exact);
    CHECK_FALSE(m.standard);
}

TEST_CASE("a file of one's own changes what it names and leaves the rest", "[core][model]") {
    auto models = model_catalogue::built_in();
    REQUIRE(models
                .overlay("[models.\"gpt-4o-mini\"]\nbatch = { input = \"0.05\", output = \"0.2\" }\n",
                         "mine.toml")
                .has_value());
    const auto m = models.find("gpt-4o-mini", kind::summaries).value();
    CHECK(m.batch.input.picodollars == 50'000);
    CHECK(m.batch.cached_input.picodollars == 50'000);
    CHECK(m.token_cap_field == "max_tokens");
    CHECK(m.context_tokens == 128'000);
}

TEST_CASE("a bad file changes nothing", "[core][model]") {
    auto models = model_catalogue::built_in();
    const auto before = models.all().size();
    const auto bad = std::string(own_model) + "headroom_percent = 101\n";
    REQUIRE(models.overlay(bad, "mine.toml").has_error());
    CHECK(models.all().size() == before);
}

TEST_CASE("faults name the file, the line, the key, and what was expected", "[core][model]") {
    CHECK(refusal("\n[models.\"gpt-4o-mini\"]\ncontext_tokens = \"many\"\n") ==
          "mine.toml:3: models.\"gpt-4o-mini\".context_tokens: expected a whole number from 1 to 100000000, "
          "got "
          "\"many\"");
    CHECK(refusal("[models.\"gpt-4o-mini\"]\nbatch = { input = 0.075, output = \"0.3\" }\n") ==
          "mine.toml:2: models.\"gpt-4o-mini\".batch.input: expected US dollars per million tokens in "
          "quotes, with "
          "at most six decimals, such as \"0.075\", got the binary number 0.075");
    CHECK(refusal("[models.\"gpt-4o-mini\"]\nbatch = { input = \"0.0000001\", output = \"0.3\" }\n") ==
          "mine.toml:2: models.\"gpt-4o-mini\".batch.input: expected US dollars per million tokens in "
          "quotes, with "
          "at most six decimals, such as \"0.075\", got \"0.0000001\"");
    CHECK(refusal("[models.\"gpt-4o-mini\"]\ntokeniser = \"o200k_base\"\n") ==
          "mine.toml:2: models.\"gpt-4o-mini\".tokeniser: expected a known key, got an unknown one (did you "
          "mean "
          "\"tokenizer\"?)");
    CHECK(refusal("[models.\"gpt-4o-mini\"]\ndimensions = 5\n") ==
          "mine.toml:2: models.\"gpt-4o-mini\".dimensions: expected no such key in a model for summaries, "
          "got 5");
    CHECK(refusal("[models.\"gpt-4o-mini\"]\nshutdown = \"2027-01-14\"\n") ==
          "mine.toml:2: models.\"gpt-4o-mini\".shutdown: expected a date without quotes, such as 2027-01-14, "
          "got "
          "\"2027-01-14\"");
    CHECK(refusal("[models.\"gpt-4o-mini\"]\nkind = \"embeddings\"\n") ==
          "mine.toml:2: models.\"gpt-4o-mini\".kind: expected \"summaries\", as the program knows it, got "
          "\"embeddings\"");
}

TEST_CASE("a new model must say all that its kind requires, and every gap is named", "[core][model]") {
    CHECK(
        refusal("[models.\"x\"]\nkind = \"embeddings\"\ntokenizer = \"cl100k_base\"\n"
                "prices_as_of = 2026-11-01\nprices_source = \"here\"\nbatch = {}\n") ==
        "mine.toml:1: models.\"x\".dimensions: expected a whole number from 1 to 65536, got nothing\n"
        "mine.toml:1: models.\"x\".accepts_dimensions: expected true or false, got nothing\n"
        "mine.toml:1: models.\"x\".context_tokens: expected a whole number from 1 to 100000000, got nothing\n"
        "mine.toml:6: models.\"x\".batch.input: expected US dollars per million tokens in quotes, with at "
        "most six "
        "decimals, such as \"0.075\", got nothing");
    CHECK(refusal("[models.\"x\"]\n") ==
          "mine.toml:1: models.\"x\".kind: expected \"summaries\" or \"embeddings\", got nothing");
}

TEST_CASE("what is not a file of models is refused with its place", "[core][model]") {
    CHECK(refusal("models = 3\n") == "mine.toml:1: models: expected tables named [models.\"NAME\"], got 3");
    CHECK(refusal("[models]\nx = 1\n") == "mine.toml:2: models.\"x\": expected a table, got 1");
    CHECK(refusal("[model.\"x\"]\n")
              .find("mine.toml:1: model: expected tables named [models.\"NAME\"] alone") == 0);
    CHECK(refusal("a = \n").find("mine.toml:1: ") == 0);
    CHECK(refusal("") == "none");
}
