// What is written arrives in the structs, unchanged; nothing hostile gets through; errors come at
// once.
#include <gtest/gtest.h>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "contract/document.hpp"
#include "support.hpp"

namespace fs = std::filesystem;
using namespace hyops;
using namespace hyops::contract;

namespace {

std::string first_code(const std::string& text) {
  Diagnostics problems;
  return parse_toml(text, "x.toml", problems) || problems.empty() ? "ok" : problems[0].code;
}

}  // namespace

TEST(Load, keeps_what_a_module_says) {
  Diagnostics problems;
  Catalog catalog(catalogue_folder);
  const auto* module = catalog.module("test/host", {}, problems);
  ASSERT_TRUE(module) << text_of(problems);
  EXPECT_EQ(module->inputs.at("grace").fallback, Json(5000));
  EXPECT_EQ(module->inputs.at("grace").min, 1000);
  EXPECT_TRUE(module->inputs.at("name").required);
  EXPECT_EQ(module->outputs.at("hosts").type.text(), "list<host>");
  EXPECT_EQ(module->effects.hosts, std::vector<std::string>{"hosts"});
  EXPECT_EQ(module->inputs.at("name").place.line, 6);
  EXPECT_EQ(module->folder, catalogue_folder / "modules/test/host");
}

TEST(Load, keeps_what_packs_and_profiles_say) {
  Diagnostics problems;
  Catalog catalog(catalogue_folder);
  const auto* pack = catalog.pack("test/host-process", {}, problems);
  ASSERT_TRUE(pack) << text_of(problems);
  EXPECT_EQ(pack->run, (std::vector<std::string>{"./run.sh", "place"}));
  EXPECT_EQ(pack->timeout_ms, 30'000);
  EXPECT_TRUE(pack->idempotent);
  const auto* profile = catalog.profile("drill", {}, problems);
  ASSERT_TRUE(profile) << text_of(problems);
  EXPECT_EQ(profile->cost_max_micro, 5'250'000);
  EXPECT_EQ(profile->retry.at(FailureClass::unavailable).pause_ms, 2000);
  EXPECT_EQ(profile->defaults.at("test/host").at("grace"), "10s");
  EXPECT_EQ(profile->resource_limits.at("repository"), 1);
  EXPECT_EQ(profile->approvals_required, 2);
  EXPECT_EQ(profile->approval_valid_ms, 1'800'000);
  check_profile(*profile, catalog, problems);
  EXPECT_TRUE(problems.empty()) << text_of(problems);
}

TEST(Load, keeps_what_a_blueprint_says) {
  Diagnostics problems;
  Catalog catalog(catalogue_folder);
  const auto* blueprint = catalog.blueprint("dr/failover", {}, problems);
  ASSERT_TRUE(blueprint) << text_of(problems);
  EXPECT_EQ(blueprint->execution_plane, "runner-local") << "E1: the default";
  EXPECT_EQ(blueprint->rto_ms, 900'000);
  ASSERT_EQ(blueprint->steps.size(), 8u);
  EXPECT_EQ(blueprint->steps[1].instance, "db");
  EXPECT_EQ(blueprint->steps[2].instance, "session") << "defaults to the id";
  EXPECT_EQ(blueprint->steps[1].inputs.at("grace").literal, "20s") << "as written";
  EXPECT_EQ(blueprint->steps[4].inputs.at("source").from->text(), "lane.backup_repository");
  const Reference state = *blueprint->steps[6].inputs.at("after").from;
  EXPECT_EQ(state.module + "#" + state.instance + "." + state.name, "test/step#ready.done");
  check_blueprint(*blueprint, catalog, problems);
  check_bindings(*blueprint, *catalog.profile("drill", {}, problems), catalog, problems);
  EXPECT_TRUE(problems.empty()) << text_of(problems);
}

TEST(Load, keeps_what_a_lane_says) {
  const std::string text = R"(
lane = "drill"
kind = "drill"
profile = "drill"
epoch = 7
[approvers]
alice = "RWQAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYn"
[runners.cloud]
plane = "cloud"
key = "RWQAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYn"
seal = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
[secrets]
authority = "hyops.secrets.offline-bundle"
config = { bundle = "/x" }
[plugins."hyops.local.compute"]
api = "http://10.77.3.1:7077"
[facts]
networks = ["10.0.0.0/8"]
[defaults."test/host"]
count = 2
[projects]
host = "a"
control = "a"
workload = "b"
shared_roles = true
)";
  Diagnostics problems;
  const auto lane = parse_lane(text, "lane.toml", problems);
  ASSERT_TRUE(lane) << text_of(problems);
  EXPECT_EQ(lane->epoch, 7);
  EXPECT_EQ(lane->runners.at("cloud").plane, "cloud");
  EXPECT_TRUE(lane->runners.at("cloud").endpoint.is_null());
  EXPECT_EQ(lane->plugins.at("hyops.local.compute").at("api"), "http://10.77.3.1:7077");
  EXPECT_EQ(lane->facts.at("networks"), Json::array({"10.0.0.0/8"}));
  EXPECT_EQ(lane->projects.at("control"), "a");
  Catalog catalog(catalogue_folder);
  check_lane(*lane, catalog, problems);
  EXPECT_TRUE(problems.empty()) << text_of(problems);
}

TEST(Load, C4_tells_a_plugin_no_other_project_than_the_lane_names) {
  const auto codes = [](const std::string& projects) {
    Diagnostics problems;
    (void)parse_lane(
        "lane = \"drill\"\nkind = \"drill\"\nprofile = \"drill\"\n"
        "[plugins.\"com.acme.tunnel\"]\nworkload_project = \"acme-work\"\n" +
            projects,
        "lane.toml", problems);
    std::vector<std::string> found;
    for (const auto& problem : problems)
      if (problem.code.starts_with("contract.project")) found.push_back(problem.code);
    return found;
  };
  const std::vector<std::string> differs{"contract.project.differs"};
  const std::string others = "[projects]\nhost = \"acme-net\"\ncontrol = \"acme-ctl\"\nworkload = ";
  EXPECT_EQ(codes(others + "\"acme-work\"\n"), std::vector<std::string>{});
  EXPECT_EQ(codes(others + "\"acme-live\"\n"), differs);
  EXPECT_EQ(codes(""), differs) << "A4: a lane without projects has none to tell";
}

TEST(Load, gives_a_lock_back_as_it_was_written) {
  Lock lock;
  const std::string digest = "sha256:" + std::string(64, 'a');
  lock.blueprints["dr/failover"] = lock.plugins["hyops.local.compute"] = lock.profiles["drill"] =
      digest;
  lock.tools["ansible-playbook"] = "ansible-playbook [core 2.14.18] \"quoted\" \\ end";
  Diagnostics problems;
  const auto again = parse_lock(write_lock(lock), "hyops.lock", problems);
  ASSERT_TRUE(again) << text_of(problems);
  EXPECT_EQ(again->tools, lock.tools);
  EXPECT_EQ(again->blueprints, lock.blueprints);
  EXPECT_EQ(write_lock(*again), write_lock(lock));
}

TEST(Load, digests_what_the_catalogue_contributes) {
  Diagnostics problems;
  Catalog catalog(catalogue_folder);
  const auto lock = digest_sources(*catalog.blueprint("dr/failover", {}, problems),
                                   *catalog.profile("drill", {}, problems), catalog,
                                   [](const std::string&) { return digest_of("plugin"); });
  ASSERT_TRUE(lock) << lock.error().text();
  EXPECT_EQ(lock->modules.size(), 4u);
  EXPECT_EQ(lock->packs.size(), 4u);
  EXPECT_TRUE(lock->packs.at("test/host-process").starts_with("sha256:"));
}

TEST(Load, refuses_hostile_toml_before_it_hurts) {
  EXPECT_EQ(first_code("[&"), "contract.toml.syntax");
  EXPECT_EQ(first_code("a = \"\xff\""), "contract.toml.character");
  EXPECT_EQ(first_code("\xc3\xa4 = 1"), "contract.toml.character");
  EXPECT_EQ(first_code(std::string("a = 1\n\0", 7)), "contract.toml.character");
  EXPECT_EQ(first_code("a = 1 # \xff\xfe\x01 anything\n"), "ok");
  EXPECT_EQ(first_code("a = 1.5"), "contract.toml.float");
  EXPECT_EQ(first_code("a = inf"), "contract.toml.float");
  EXPECT_EQ(first_code("a = 10:00:00"), "contract.toml.date");
  EXPECT_EQ(first_code("a = 1\na = 2"), "contract.toml.syntax");
  EXPECT_EQ(first_code("a = " + std::string(400'000, '[')), "contract.toml.nesting");
  EXPECT_EQ(first_code("a = " + std::string(400'000, '{')), "contract.toml.nesting");
  std::string dotted = "a";
  for (int i = 0; i < 200'000; ++i) dotted += ".a";
  EXPECT_EQ(first_code(dotted + " = 1"), "contract.toml.nesting");
  EXPECT_EQ(first_code("[" + dotted + "]"), "contract.toml.nesting");
  EXPECT_EQ(first_code(std::string(max_file_bytes + 1, ' ')), "file.too_large");
  EXPECT_EQ(
      first_code(
          "a = \"\"\"\"\"two quotes\"\"\"\"\"\nb = '''# no comment'''\nc = \"\\\\\" # a comment\n"),
      "ok");
}

TEST(Load, keeps_hash_signs_and_quotes_inside_strings) {
  Diagnostics problems;
  const auto json = parse_toml("a = \"#1\"\nb = 'x\\'\nc = \"\"\"\n# two\"\"\"\nd = \"\\u00e4\"\n",
                               "x", problems);
  ASSERT_TRUE(json) << text_of(problems);
  EXPECT_EQ(*json, (Json{{"a", "#1"}, {"b", "x\\"}, {"c", "# two"}, {"d", "\xc3\xa4"}}));
}

TEST(Load, tells_all_errors_of_a_file_in_the_order_of_the_file_and_stops_at_a_hundred) {
  std::string text = "module = \"test/x\"\n";
  for (int i = 0; i < 200; ++i) text += "wrong" + std::to_string(i) + " = 1\n";
  Diagnostics problems;
  EXPECT_FALSE(parse_module(text, "module.toml", problems));
  ASSERT_EQ(problems.size(), 101u);
  EXPECT_EQ(std::count_if(problems.begin(), problems.end(),
                          [](const Error& e) { return e.code == "contract.file.too_many"; }),
            1);
  for (size_t i = 1; i < problems.size(); ++i)
    EXPECT_LE(problems[i - 1].place->line, problems[i].place->line);
}

TEST(Load, reads_the_fields_of_a_plugin_from_json) {
  Diagnostics problems;
  const auto fields = load_fields(
      Json::parse(
          R"({"api":{"type":"string","required":true},"wait":{"type":"duration","default":"5s"}})"),
      "plugin.toml", problems);
  ASSERT_TRUE(fields) << text_of(problems);
  EXPECT_EQ(fields->at("wait").fallback, Json(5000));
  EXPECT_FALSE(
      load_fields(Json::parse(R"({"project_id":{"type":"string"}})"), "plugin.toml", problems));
  EXPECT_EQ(problems.at(0).code, "contract.project.bare");
}

TEST(Load, says_which_file_cannot_be_read) {
  Diagnostics problems;
  EXPECT_FALSE(load_module("/nonexistent/module.toml", problems));
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].code, "file.open");
}
