// What becomes of a step whose tool or plugin was killed half-way, driver by driver and verb by
// verb: adopted where its effect is seen, done again under the same key where it is not, and left
// to a person where nobody can tell.
#include "support/site.hpp"

using namespace hyops;
using hyops::tests::Site;
namespace fs = std::filesystem;

namespace {

// The step "die", whose first attempt kills its tool and everything of it; later ones go well.
struct Dying : Site {
  explicit Dying(const std::string& pack_toml) : once((path() / "once").string()) {
    module("[outputs.x]\ntype = \"string\"\n[effects]\n");
    file(pack("pack.toml"),
         "pack = \"test/die\"\nversion = \"1.0.0\"\nmodule = \"test/die\"\n" + pack_toml);
    bind("test/die", "test/die");
    blueprint("[[step]]\nid = \"die\"\nmodule = \"test/die\"\nphase = \"data\"\n");
  }
  fs::path pack(const std::string& name) const { return setup.catalog / "packs/test/die" / name; }
  void module(const std::string& fields) {
    file(setup.catalog / "modules/test/die/module.toml",
         "module = \"test/die\"\nversion = \"1.0.0\"\ntitle = \"Dies\"\ndoc = \"A test.\"\n" +
             fields);
  }
  // For a shell: the whole process group of the tool, once.
  std::string kill_once() const {
    return "test -e " + once + " || { touch " + once + "; kill -KILL 0; }";
  }

  // The step ended so, by this choice of a look that said on what it rests; "": nobody chose.
  void expect(const std::string& ending, const std::string& choice) {
    EXPECT_EQ(run(plan()), ending == "unknown" ? "unknown" : "ok");
    EXPECT_EQ(endings()["die"], ending);
    const auto settled = events("step.reconciled");
    ASSERT_EQ(settled.size(), choice.empty() ? 0u : 1u);
    EXPECT_EQ(events("step.intent").size(), choice == "retry" ? 2u : 1u);
    EXPECT_TRUE(verify().clean);
    if (choice.empty()) return;
    EXPECT_EQ(get_string(Json::parse(settled[0]), "choice"), choice);
    EXPECT_FALSE(get_string(Json::parse(settled[0]), "evidence").empty());
    const auto intents = events("step.intent");
    EXPECT_EQ(Json::parse(intents.front())["key"], Json::parse(intents.back())["key"]);
  }

  const std::string once;
};

std::string playbook(const std::string& shell) {
  return "- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n"
         "    - ansible.builtin.shell: |\n        " +
         shell + "\n";
}

}  // namespace

TEST(KilledAnsible, is_adopted_repeated_or_left_to_a_person_by_what_its_observe_twin_sees) {
  struct Case {
    const char *observe, *ending, *choice;
  };
  for (const Case& one :
       {Case{"echo '{\"x\":\"seen\"}' > {{ hyops.outputs }}", "adopted", "adopt"},
        Case{"touch {{ hyops.outputs }}.absent", "ok", "retry"}, Case{"exit 1", "unknown", ""}}) {
    SCOPED_TRACE(one.observe);
    Dying site(
        "driver = \"ansible\"\n[ansible]\nplaybook = \"site.yml\"\nobserve = \"look.yml\"\n");
    site.file(site.pack("site.yml"),
              playbook(site.kill_once() + "; echo '{\"x\":\"again\"}' > {{ hyops.outputs }}"));
    site.file(site.pack("look.yml"), playbook(one.observe));
    site.expect(one.ending, one.choice);
  }
}

// Terraform's own plan is the look: what a broken apply did not get to is still to be done.
TEST(KilledTerraform, is_repeated_from_the_state_that_it_left) {
  if (!tests::has_tool("terraform")) GTEST_SKIP() << "terraform is not on this machine";
  Dying site("driver = \"terraform\"\n[terraform]\nroot = \"root\"\n");
  site.file(site.pack("root/main.tf"),
            "resource \"terraform_data\" \"first\" {\n  input = \"1\"\n}\n"
            "resource \"terraform_data\" \"second\" {\n  input = terraform_data.first.output\n"
            "  provisioner \"local-exec\" {\n    command = \"" +
                site.kill_once() +
                "\"\n  }\n}\noutput \"x\" {\n  value = terraform_data.second.output\n}\n");
  site.expect("ok", "retry");
}

TEST(KilledPacker, is_repeated_where_its_pack_says_that_this_is_safe_and_else_left_to_a_person) {
  if (!tests::has_tool("packer")) GTEST_SKIP() << "packer is not on this machine";
  for (const bool idempotent : {true, false}) {
    SCOPED_TRACE(idempotent);
    Dying site(std::string(idempotent ? "idempotent = true\n" : "") +
               "driver = \"packer\"\n[packer]\ntemplate = \"image.json\"\n");
    const Json shell{{"type", "shell-local"}, {"inline", {site.kill_once()}}},
        manifest{{"type", "manifest"},
                 {"output", "{{user `hyops_manifest`}}"},
                 {"custom_data", {{"x", "again"}}}};
    site.file(site.pack("image.json"),
              Json{{"variables", {{"hyops_manifest", "manifest.json"}}},
                   {"builders", {{{"type", "file"}, {"content", "x"}, {"target", "artifact"}}}},
                   {"post-processors", {Json::array({shell, manifest})}}}
                  .dump());
    if (idempotent)
      site.expect("ok", "retry");
    else
      site.expect("unknown", "");
  }
}

namespace {

struct Verb {
  const char *interface, *verb, *seen, *choice;
};
std::string name_of(const Verb& verb) {
  const std::string interface = verb.interface, seen = verb.seen;
  return interface.substr(6, interface.size() - 8) + "_" + verb.verb + (seen.empty() ? "" : "_") +
         seen;
}
void PrintTo(const Verb& verb, std::ostream* out) { *out << name_of(verb); }
struct KilledPlugin : testing::TestWithParam<Verb> {};

}  // namespace

TEST_P(KilledPlugin, is_adopted_asked_again_or_left_to_a_person) {
  const Verb verb = GetParam();
  const std::string interface = verb.interface;
  Dying site("driver = \"plugin\"\n[plugin]\nplugin = \"test.dies\"\ninterface = \"" + interface +
             "\"\nverb = \"" + verb.verb + "\"\n" +
             (interface == "hyops.access/1" ? "mode = \"runner-local\"\n" : ""));
  site.module("[inputs.seen]\ntype = \"string\"\ndefault = \"" + std::string(verb.seen) +
              "\"\n[effects]\n");
  site.plugin("dies", {"hyops.provider/1", "hyops.egress/1", "hyops.access/1", "hyops.secret/1"});
  const std::string choice = verb.choice;
  const std::string status = site.run(site.plan());
  EXPECT_EQ(status == "ok", choice == "adopt") << status;
  if (choice == "ask") {
    EXPECT_EQ(status, "unknown");
  }
  const auto settled = site.events("step.reconciled");
  ASSERT_EQ(settled.empty(), choice == "ask");
  if (!settled.empty()) {
    EXPECT_EQ(get_string(Json::parse(settled[0]), "choice"), choice);
  }
  EXPECT_EQ(site.endings()["die"] == "adopted", choice == "adopt");
  EXPECT_EQ(site.events("step.intent").size() > 1, choice == "retry");
  EXPECT_TRUE(site.verify().clean);
}

INSTANTIATE_TEST_SUITE_P(Verbs, KilledPlugin,
                         testing::Values(Verb{"hyops.provider/1", "apply", "yes", "adopt"},
                                         Verb{"hyops.provider/1", "apply", "no", "retry"},
                                         Verb{"hyops.provider/1", "apply", "", "ask"},
                                         Verb{"hyops.provider/1", "release", "no", "adopt"},
                                         Verb{"hyops.provider/1", "release", "yes", "retry"},
                                         Verb{"hyops.provider/1", "release", "", "ask"},
                                         Verb{"hyops.egress/1", "apply", "yes", "adopt"},
                                         Verb{"hyops.egress/1", "apply", "no", "retry"},
                                         Verb{"hyops.egress/1", "release", "no", "adopt"},
                                         Verb{"hyops.egress/1", "prove", "", "retry"},
                                         Verb{"hyops.access/1", "prove", "", "retry"},
                                         Verb{"hyops.access/1", "open", "no", "retry"},
                                         Verb{"hyops.access/1", "open", "", "ask"},
                                         Verb{"hyops.access/1", "close", "no", "adopt"},
                                         Verb{"hyops.access/1", "close", "yes", "retry"},
                                         Verb{"hyops.secret/1", "probe", "", "retry"},
                                         Verb{"hyops.secret/1", "resolve", "", "retry"},
                                         Verb{"hyops.secret/1", "store", "", "ask"},
                                         Verb{"hyops.secret/1", "transition", "", "ask"}),
                         [](const auto& about) { return name_of(about.param); });
