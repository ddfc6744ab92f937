// The checks across files: size, order of phases, and what ships.
#include <gtest/gtest.h>

#include <ctime>

#include "base/file.hpp"
#include "contract/document.hpp"
#include "support.hpp"

namespace fs = std::filesystem;
using namespace hyops;
using namespace hyops::contract;

namespace {

Blueprint chain(size_t length) {
  Blueprint blueprint;
  blueprint.name = "ops/chain";
  for (size_t i = 0; i < length; ++i) {
    Step step;
    step.id = step.instance = "s" + std::to_string(i);
    step.module = "test/step";
    if (i > 0) {
      step.needs = {"s" + std::to_string(i - 1)};
      step.inputs["after"].from =
          Reference{Reference::Of::step, "s" + std::to_string(i - 1), "", "", "done"};
    }
    blueprint.steps.push_back(std::move(step));
  }
  return blueprint;
}

double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// The failover of the small catalogue without the steps of one phase.
std::vector<std::string> codes_without(Phase phase) {
  Diagnostics problems;
  Catalog catalog(catalogue_folder);
  Blueprint blueprint = *catalog.blueprint("dr/failover", {}, problems);
  std::erase_if(blueprint.steps, [&](const Step& step) { return step.phase == phase; });
  for (auto& step : blueprint.steps) {
    step.needs.clear();
    for (auto& [name, binding] : step.inputs)
      binding.from = Reference{Reference::Of::lane, "", "", "", "x"};
  }
  check_blueprint(blueprint, catalog, problems);
  std::vector<std::string> codes;
  for (const auto& problem : problems) codes.push_back(problem.code);
  return codes;
}

}  // namespace

TEST(Check, follows_a_chain_of_100000_steps_without_recursion) {
  const Blueprint blueprint = chain(100'000);
  Catalog catalog(catalogue_folder);
  Diagnostics problems;
  check_blueprint(blueprint, catalog, problems);
  EXPECT_TRUE(problems.empty()) << text_of(problems);
}

TEST(Check, takes_time_in_proportion_to_the_steps) {
  Catalog catalog(catalogue_folder);
  Diagnostics problems;
  const auto cost = [&](size_t steps) {
    const Blueprint blueprint = chain(steps);
    const double before = processor_seconds();
    check_blueprint(blueprint, catalog, problems);
    return processor_seconds() - before;
  };
  cost(1'000);
  const double small = cost(2'000), large = cost(20'000);
  EXPECT_LT(large, 60 * small + 0.05)
      << "ten times the steps; a quadratic check would need a hundred times";
}

TEST(Check, finds_the_circle_of_20000_steps) {
  Blueprint blueprint = chain(20'000);
  blueprint.steps[0].needs = {"s19999"};
  Catalog catalog(catalogue_folder);
  Diagnostics problems;
  check_blueprint(blueprint, catalog, problems);
  ASSERT_EQ(problems.size(), 1u) << text_of(problems);
  EXPECT_EQ(problems[0].code, "contract.cycle");
  EXPECT_LT(problems[0].message.size(), 1000u);
}

TEST(Check, cuts_over_only_after_fence_data_secrets_and_readiness) {
  using Codes = std::vector<std::string>;
  EXPECT_EQ(codes_without(Phase::publish), Codes{});
  EXPECT_EQ(codes_without(Phase::fence), Codes{"contract.phase.no_fence"});
  EXPECT_EQ(codes_without(Phase::data), Codes{"contract.phase.no_data"});
  EXPECT_EQ(codes_without(Phase::secrets), Codes{"contract.phase.no_secrets"});
  EXPECT_EQ(codes_without(Phase::readiness), Codes{"contract.phase.no_readiness"});
  EXPECT_EQ(codes_without(Phase::cutover), Codes{"contract.phase.no_cutover"});
}

TEST(Check, tells_of_a_file_that_stands_in_the_wrong_folder) {
  auto dir = TempDir::create(fs::temp_directory_path());
  ASSERT_TRUE(dir);
  ASSERT_TRUE(make_folders(dir->path() / "modules/a/b"));
  ASSERT_TRUE(write_file(dir->path() / "modules/a/b/module.toml",
                         "module = \"a/c\"\nversion = \"1.0.0\"\ntitle = \"x\"\n"));
  Catalog catalog(dir->path());
  Diagnostics problems;
  EXPECT_FALSE(catalog.module("a/b", {"x", 1, 1}, problems));
  EXPECT_FALSE(catalog.module("a/b", {"x", 2, 1}, problems));
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].code, "contract.name.mismatch");
  EXPECT_EQ(problems[1].code, "contract.file.broken");
}

TEST(Check, a_name_never_leads_out_of_the_catalogue) {
  Catalog catalog(catalogue_folder / "modules");
  Diagnostics problems;
  EXPECT_FALSE(catalog.profile("../profiles/drill", {}, problems));
  EXPECT_FALSE(catalog.module("../modules", {}, problems));
  EXPECT_EQ(problems.size(), 2u);
}

TEST(Schema, has_the_keys_that_the_loaders_know) {
  // What a loader lists as known for a key that is far from all of them, held against the schema.
  const std::map<std::string, std::function<void(Diagnostics&)>> kinds = {
      {"module", [](Diagnostics& p) { parse_module("zzzzzzzzzzzz = 1", "x", p); }},
      {"pack", [](Diagnostics& p) { parse_pack("zzzzzzzzzzzz = 1", "x", p); }},
      {"profile", [](Diagnostics& p) { parse_profile("zzzzzzzzzzzz = 1", "x", p); }},
      {"lane", [](Diagnostics& p) { parse_lane("zzzzzzzzzzzz = 1", "x", p); }},
      {"blueprint", [](Diagnostics& p) { parse_blueprint("zzzzzzzzzzzz = 1", "x", p); }},
      {"lock", [](Diagnostics& p) { parse_lock("zzzzzzzzzzzz = 1", "x", p); }}};
  for (const auto& [kind, provoke] : kinds) {
    Diagnostics problems;
    provoke(problems);
    const auto unknown = std::find_if(problems.begin(), problems.end(), [](const Error& e) {
      return e.code == "contract.key.unknown";
    });
    ASSERT_NE(unknown, problems.end()) << kind;
    const auto schema = file_schema(kind);
    ASSERT_TRUE(schema);
    const std::string known = unknown->message.substr(unknown->message.find("Known here: ") + 12);
    size_t count = 0;
    for (const auto& [key, ignored] : schema->at("properties").items()) {
      EXPECT_NE((" " + known).find(" " + key), std::string::npos)
          << kind << "." << key << " is in the schema only";
      ++count;
    }
    const size_t words = 1 + static_cast<size_t>(std::count(known.begin(), known.end(), ','));
    EXPECT_EQ(words, count) << kind << ": " << known;
  }
  EXPECT_FALSE(file_schema("modul"));
}

TEST(Schema, of_fields_shows_defaults_as_they_are_written) {
  Diagnostics problems;
  Catalog catalog(catalogue_folder);
  const Json schema = json_schema(catalog.module("test/host", {}, problems)->inputs);
  EXPECT_EQ(schema["properties"]["grace"]["default"], "5000ms");
  EXPECT_EQ(schema["properties"]["zone"]["enum"], Json::array({"onprem", "cloud"}));
  EXPECT_EQ(schema["required"], Json::array({"name"}));
  EXPECT_EQ(schema["additionalProperties"], false);
}

TEST(Shipped, every_file_of_the_catalogue_loads_and_every_blueprint_checks_clean) {
  Catalog catalog(HYOPS_SOURCE_DIR "/catalog");
  Diagnostics problems;
  const Place here{"catalog", 0, 0};
  for (const auto& name : catalog.names("modules")) catalog.module(name, here, problems);
  for (const auto& name : catalog.names("packs")) catalog.pack(name, here, problems);
  for (const auto& name : catalog.names("profiles"))
    if (const auto* profile = catalog.profile(name, here, problems))
      check_profile(*profile, catalog, problems);
  for (const auto& name : catalog.names("blueprints"))
    if (const auto* blueprint = catalog.blueprint(name, here, problems))
      check_blueprint(*blueprint, catalog, problems);
  EXPECT_TRUE(problems.empty()) << text_of(problems);
}
