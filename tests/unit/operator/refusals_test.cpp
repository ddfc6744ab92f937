// The table of refusals: what is wrong, what is typed, and then the exit code of docs/cli.md, a
// code that hyops explains, the place, a next step; and nothing in the installation is other than
// before.
#include "operator.hpp"

namespace hyops::test {
namespace {

struct Refusal {
  std::string what;                          // as a tired person would say it
  std::map<std::string, std::string> files;  // written over what is there, for this row alone
  std::vector<std::string> words;            // @NAME is the path of NAME in the home
  int exit = 0;
  std::string code;
  std::string
      place;  // how the place or the message names it: a file, with its line where it has one
};

class Refusals : public testing::Test {
 protected:
  Refusals() {
    site.lane("drill", "drill", "drill");
    site.blueprint(step("db", "data"));
    EXPECT_EQ(site.plan("drill").code, 0);
    EXPECT_EQ(site.approve("alice", "drill").code, 0);
    plan_text = read_file(site.at("plan.json")).value();
  }

  void expect(const Refusal& row) {
    SCOPED_TRACE(row.what);
    std::map<std::string, std::optional<std::string>> old;
    for (const auto& [name, text] : row.files) {
      auto was = read_file(site.path() / name);
      old[name] = was ? std::optional(*was) : std::nullopt;
      site.write(name, text);
    }
    const std::string before = digest_of_tree(site.path()).value();
    std::vector<std::string> words = row.words;
    for (auto& word : words)
      if (word.starts_with('@')) word = site.at(word.substr(1));
    words.push_back("--json");
    const Ran ran = site.hyops(words);
    EXPECT_EQ(ran.code, row.exit) << ran.out << ran.err;
    // `blueprint check` answers for each blueprint by itself.
    Json answer = ran.json();
    if (answer.contains("blueprints")) answer = answer["blueprints"][0];
    const Json errors = answer.value("errors", Json::array());
    const Json* error = nullptr;
    std::string codes;
    for (const auto& one : errors) {
      codes += get_string(one, "code") + " ";
      if (!error && get_string(one, "code") == row.code) error = &one;
    }
    if (error) {
      const Json place = error->value("place", Json::object());
      const std::string where =
          get_string(place, "file") + ":" + std::to_string(get_int(place, "line")) + " " +
          get_string(*error, "message") + error->value("context", Json::array()).dump();
      EXPECT_NE(where.find(row.place), std::string::npos) << where;
      EXPECT_FALSE(get_string(*error, "next").empty()) << codes;
      EXPECT_EQ(site.hyops({"explain", row.code}).code, 0) << row.code << " is not explained";
    } else {
      ADD_FAILURE() << "wanted " << row.code << ", got " << codes << ran.out << ran.err;
    }
    EXPECT_EQ(digest_of_tree(site.path()).value(), before) << "something was lost or half-written";
    for (const auto& [name, text] : old)
      if (text)
        site.write(name, *text);
      else
        fs::remove(site.path() / name);
  }

  Operator site;
  std::string plan_text;
};

const std::string flow = "catalog/blueprints/test/flow/blueprint.toml",
                  head = "blueprint = \"test/flow\"\nversion = \"1.0.0\"\ntitle = \"A test\"\n";
const std::vector<std::string> plan{"plan", "test/flow", "--lane", "drill", "--reason", "a test"};

TEST_F(Refusals, of_blueprints_name_the_line) {
  const std::vector<std::string> check{"blueprint", "check", "test/flow"};
  const std::string a = step("a", "data");
  for (const auto& [what, text, code, place] : std::vector<std::array<std::string, 4>>{
           {"an unknown key", head + "rtoo = \"5m\"\n" + a, "contract.key.unknown",
            "blueprint.toml:4"},
           {"an unknown key of a step", head + step("a", "data", "retires = 3"),
            "contract.key.unknown", "blueprint.toml:8"},
           {"a text where a list belongs", head + step("a", "data", "needs = \"b\""),
            "contract.value.type", "blueprint.toml:8"},
           {"a number where a text belongs", "blueprint = 7\n", "contract.value.type",
            "blueprint.toml:1"},
           {"an input of another type", head + step("a", "data", "inputs = { text = 7 }"),
            "contract.value.type", "blueprint.toml:8"},
           {"an input that does not exist", head + step("a", "data", "inputs = { txt = \"x\" }"),
            "contract.input.unknown", "blueprint.toml:8"},
           {"a phase that does not exist", head + step("a", "dta"), "contract.value.choice",
            "blueprint.toml:7"},
           {"a step twice", head + a + a, "contract.step.duplicate", "blueprint.toml:"},
           {"a step that needs itself", head + step("a", "data", "needs = [\"a\"]"),
            "contract.step.self", "blueprint.toml:"},
           {"a step that needs nobody", head + step("a", "data", "needs = [\"b\"]"),
            "contract.step.unknown", "blueprint.toml:4"},
           {"a cycle",
            head + step("a", "data", "needs = [\"c\"]") + step("b", "data", "needs = [\"a\"]") +
                step("c", "data", "needs = [\"b\"]"),
            "contract.cycle", " -> "},
           {"a module that is not there", head + step("a", "data", "", "test/sya"),
            "contract.unknown.module", "test/say"},
           {"a byte order mark", "\xef\xbb\xbf" + head + a, "contract.toml.character",
            "blueprint.toml:1"},
           {"a NUL", head + std::string("x = \"\0\"\n", 8) + a, "contract.toml.character",
            "blueprint.toml:4"},
           {"a file of NULs, as a crash leaves them", std::string(4096, '\0'),
            "contract.toml.character", "blueprint.toml:1"},
           {"odd bytes", head + "x = \"\xfe\xff\"\n", "contract.toml.character",
            "blueprint.toml:4"},
           {"half a file", head + "[[step]]\nid = \"a", "contract.toml.syntax", "blueprint.toml:5"},
           {"nothing", "", "contract.key.missing", "blueprint.toml"},
           {"a fraction", head + "rto = 1.5\n" + a, "contract.toml.float", "blueprint.toml:4"},
           {"a date", head + "rto = 2026-03-01\n" + a, "contract.toml.date", "blueprint.toml:4"},
           {"tables in tables for ever", head + "x = " + std::string(40, '['),
            "contract.toml.nesting", "blueprint.toml:4"},
           {"too large a file", head + a + std::string(1u << 20, '#'), "file.too_large",
            "blueprint.toml"}})
    for (const auto& words : {check, plan}) expect({what, {{flow, text}}, words, 2, code, place});
}

TEST_F(Refusals, of_modules_packs_profiles_and_lanes_name_the_file) {
  const std::string pack = "catalog/packs/test/say/pack.toml",
                    module = "catalog/modules/test/say/module.toml",
                    drill = "catalog/profiles/drill.toml", lane = "lanes/drill/lane.toml",
                    about = "pack = \"test/say\"\nversion = \"1.0.0\"\nmodule = \"test/say\"\n";
  const std::string module_text = read_file(site.path() / module).value(),
                    drill_text = read_file(site.path() / drill).value(),
                    lane_text = read_file(site.path() / lane).value();
  expect({"a pack whose tool is not there",
          {{pack, about + "driver = \"process\"\n[process]\nrun = [\"./gone.sh\"]\n"}},
          plan,
          2,
          "contract.pack.file",
          "pack.toml"});
  expect({"a pack that leaves its folder",
          {{pack, about + "driver = \"process\"\n[process]\nrun = [\"../../../evil.sh\"]\n"}},
          plan,
          2,
          "contract.pack.file",
          "pack.toml:6"});
  expect({"a driver that does not exist",
          {{pack, about + "driver = \"proces\"\n[process]\nrun = [\"./run.sh\"]\n"}},
          plan,
          2,
          "contract.value.choice",
          "pack.toml:4"});
  expect({"a type that does not exist",
          {{module, module_text + "[outputs.x]\ntype = \"strng\"\n"}},
          plan,
          2,
          "contract.type.unknown",
          "module.toml:"});
  expect({"a module that names another",
          {{module, "module = \"test/other\"\n" + module_text.substr(module_text.find('\n') + 1)}},
          plan,
          2,
          "contract.name.mismatch",
          "module.toml:1"});
  expect({"a profile with an unknown policy",
          {{drill, drill_text + "[polcy]\nx = 1\n"}},
          plan,
          2,
          "contract.key.unknown",
          "drill.toml:"});
  expect({"a profile that is empty", {{drill, ""}}, plan, 2, "contract.key.missing", "drill.toml"});
  expect({"a lane with half a key",
          {{lane, lane_text + "[deciders2]\n"}},
          plan,
          2,
          "contract.key.unknown",
          "lane.toml:"});
  expect({"a lane whose epoch is a text",
          {{lane, "lane = \"drill\"\nkind = \"drill\"\nprofile = \"drill\"\nepoch = \"one\"\n"}},
          plan,
          2,
          "contract.value.type",
          "lane.toml:4"});
  expect({"a lane of another name",
          {{lane, "lane = \"prod\"\nkind = \"drill\"\nprofile = \"drill\"\nepoch = 1\n"}},
          plan,
          2,
          "cli.lane.name",
          "prod"});
  expect(
      {"a runner whose hyops is a shell line",
       {{lane, lane_text.substr(0, lane_text.rfind("hyops = ")) + "hyops = \"/bin/sh -c x;\"\n"}},
       plan,
       2,
       "contract.value.pattern",
       "lane.toml:"});
  expect({"a lane that is not there",
          {},
          {"plan", "test/flow", "--lane", "dirll", "--reason", "x"},
          2,
          "cli.lane.unknown",
          "drill"});
  for (const std::string name : {"../drill", "dr ill", "drill\n", "/etc", "-"})
    expect({"a lane called " + name,
            {},
            {"plan", "test/flow", "--lane=" + name, "--reason", "x"},
            2,
            "file.name",
            ""});
  for (const std::string name : {"../../etc/passwd", "test/../flow", "te st/flow", "test/flow\n"})
    expect({"a blueprint called " + name,
            {},
            {"plan", name, "--lane", "drill", "--reason", "x"},
            2,
            "contract.unknown.blueprint",
            ""});
}

TEST_F(Refusals, of_plans_decisions_and_approvals_name_the_document) {
  const std::vector<std::string> start{"run",        "start", "@plan.json", "--approvals",
                                       "@approvals", "--by",  "oncall"};
  auto with_decision = start;
  with_decision.insert(with_decision.end(), {"--decision", "@decision.json"});
  const std::string half = plan_text.substr(0, plan_text.size() / 2);
  expect({"a plan that is not there",
          {},
          {"run", "start", "@none.json"},
          5,
          "file.open",
          "none.json"});
  expect({"a folder for a plan", {}, {"run", "start", "@lanes"}, 2, "file.kind", "lanes"});
  expect({"an empty plan", {{"plan.json", ""}}, start, 2, "json.syntax", "plan.json"});
  expect({"half a plan", {{"plan.json", half}}, start, 2, "json.syntax", "plan.json"});
  expect({"a plan that is no plan", {{"plan.json", "{}"}}, start, 2, "plan.malformed", ""});
  expect({"an order that is none",
          {{"plan.json", "{\"order\":1}"}},
          start,
          2,
          "engine.order.malformed",
          ""});
  expect({"an empty approval",
          {{"approvals/alice.json", ""}},
          start,
          2,
          "trust.approval.empty",
          "alice"});
  expect({"an approval that says nothing",
          {{"approvals/alice.json", "{}"}},
          start,
          2,
          "trust.approval.malformed",
          "alice"});
  expect({"an approval with an empty signature",
          {{"approvals/alice.json.minisig", ""}},
          start,
          3,
          "trust.approval.signature",
          "alice"});
  expect({"no approvals folder",
          {},
          {"run", "start", "@plan.json", "--approvals", "@gone"},
          5,
          "file.open",
          "gone"});
  expect({"a decision for a plan that was made on a request",
          {{"decision.json", ""}, {"decision.json.minisig", ""}},
          with_decision,
          3,
          "engine.decision.other",
          "request"});
  expect({"a decision without its signature",
          {{"decision.json", "{}"}},
          with_decision,
          5,
          "file.open",
          "decision.json.minisig"});
  expect({"a decision to plan by that is empty",
          {{"decision.json", ""}, {"decision.json.minisig", ""}},
          {"plan", "test/flow", "--lane", "drill", "--decision", "@decision.json"},
          3,
          "trust.decision.signature",
          "signed"});
  for (const std::string run : {"../../etc", "a\nb", "a b", "-", ""})
    expect({"a run called " + run, {}, {"run", "show", run}, 2, "cli.run.name", ""});
  expect({"a record that is not there",
          {},
          {"record", "verify", "@none", "--lane", "drill"},
          2,
          "record.unreadable",
          "none"});
}

// What is wrong beside enough that is right stops nobody at 3 a.m., and does not spoil the record.
TEST_F(Refusals, do_not_come_from_a_bad_approval_beside_a_good_one) {
  site.write("approvals/bob.json", "");
  site.write("approvals/carol.json", "{\"approval\":");
  site.write("approvals/notes.txt", "not an approval");
  const Ran ran = site.start();
  EXPECT_EQ(ran.code, 0) << ran.out << ran.err;
  const std::string run = get_string(site.last_run(), "run");
  const Ran verified = site.hyops({"record", "verify", run, "--lane", "drill"});
  EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
}

}  // namespace
}  // namespace hyops::test
