// An installation as its owner has it, with lanes, people and a small catalogue of scripts; every
// act is a command that is typed.
#pragma once

#include "base/digest.hpp"
#include "base/text.hpp"
#include "unit/cli/support.hpp"

namespace hyops::test {

class Operator : public Home {
 public:
  Operator() {
    for (const char* name : {"alice", "bob", "carol", "edge"})
      keys_[name] = get_string(run({"key", "new", name, "--json"}).json(), "key");
    runner_ =
        get_string(run({"runner", "init", "--name", "cloud", "--plane", "cloud", "--json"}).json(),
                   "lane_toml");
    const char* outputs = "[outputs.said]\ntype = \"string\"\n[effects]\n";
    tool("say", std::string("[inputs.text]\ntype = \"string\"\ndefault = \"hello\"\n") + outputs,
         "printf '{\"said\":\"x\"}' > \"$HYOPS_OUTPUTS\"\n");
  }

  void tool(const std::string& name, const std::string& module, const std::string& script) {
    const std::string about =
        "\nversion = \"1.0.0\"\ntitle = \"" + name + "\"\ndoc = \"A test.\"\n";
    write("catalog/modules/test/" + name + "/module.toml",
          "module = \"test/" + name + "\"" + about + module);
    write("catalog/packs/test/" + name + "/pack.toml",
          "pack = \"test/" + name + "\"\nversion = \"1.0.0\"\nmodule = \"test/" + name +
              "\"\ndriver = \"process\"\n[process]\nrun = [\"./run.sh\"]\n");
    const fs::path file = catalog() / "packs/test" / name / "run.sh";
    EXPECT_TRUE(write_file(file, "#!/bin/sh\nset -eu\n" + script, 0755));
    bind("test/" + name, "test/" + name);
  }

  void bind(const std::string& module, const std::string& pack) {
    bind_ += "\"" + module + "\" = \"" + pack + "\"\n";
    for (const char* profile : {"drill", "prod-like"}) give_profile(profile);
  }

  // The profile as it ships, in all but the packs it binds.
  void give_profile(const std::string& name) {
    auto text = read_file(fs::path(HYOPS_SOURCE_DIR) / "catalog/profiles" / (name + ".toml"));
    ASSERT_TRUE(text);
    const size_t bind = text->find("[bind]\n") + 7, end = text->find("[approvals]");
    write("catalog/profiles/" + name + ".toml", text->replace(bind, end - bind, bind_));
  }

  void lane(const std::string& name, const std::string& kind, const std::string& profile,
            const std::string& more = {}) {
    write("lanes/" + name + "/lane.toml",
          "lane = \"" + name + "\"\nkind = \"" + kind + "\"\nprofile = \"" + profile +
              "\"\nepoch = 1\n[approvers]\nalice = \"" + keys_["alice"] + "\"\nbob = \"" +
              keys_["bob"] + "\"\n[deciders]\nedge = \"" + keys_["edge"] + "\"\n" + runner_ + "\n" +
              more);
  }

  void blueprint(const std::string& steps) {
    write("catalog/blueprints/test/flow/blueprint.toml",
          "blueprint = \"test/flow\"\nversion = \"1.0.0\"\ntitle = \"A test\"\n" + steps);
  }

  Ran hyops(std::vector<std::string> words) const {
    words.insert(words.end(), {"--catalog", catalog().string()});
    return run(std::move(words));
  }
  std::string at(const std::string& name) const { return (path() / name).string(); }

  Ran plan(const std::string& lane, const std::string& to = "plan.json",
           const std::string& by = "oncall") const {
    return hyops({"plan", "test/flow", "--lane", lane, "--target", "cloud", "--by", by, "--reason",
                  "a test", "--to", at(to)});
  }
  Ran approve(const std::string& who, const std::string& lane,
              const std::string& plan = "plan.json", std::vector<std::string> more = {}) const {
    fs::create_directories(path() / "approvals");
    std::vector<std::string> words{"approval",
                                   "sign",
                                   at(plan),
                                   "--lane",
                                   lane,
                                   "--as",
                                   who,
                                   "--key",
                                   at("keys/" + who + ".key"),
                                   "--cost-cap",
                                   "1.00",
                                   "--to",
                                   at("approvals")};
    words.insert(words.end(), more.begin(), more.end());
    return hyops(words);
  }
  Ran start(const std::string& by = "oncall", const std::string& plan = "plan.json") const {
    return hyops({"run", "start", at(plan), "--approvals", at("approvals"), "--by", by});
  }
  Json last_run() const {
    const Json runs = run({"run", "list", "--json"}).json()["runs"];
    return runs.empty() ? Json::object() : runs[0];
  }
  size_t runs() const { return run({"run", "list", "--json"}).json()["runs"].size(); }

 private:
  std::map<std::string, std::string> keys_;
  std::string runner_, bind_;
};

inline std::string step(const std::string& id, const std::string& phase,
                        const std::string& more = {}, const std::string& module = "test/say") {
  return "[[step]]\nid = \"" + id + "\"\nmodule = \"" + module + "\"\nphase = \"" + phase + "\"\n" +
         more + "\n";
}

// What every refusal owes its reader: a code that can be looked up, a next step, and no success.
inline testing::AssertionResult refused(const Ran& ran, int exit, const std::string& code) {
  if (ran.code == exit && ran.says(code) && ran.says("next: ")) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << "exit " << ran.code << " instead of " << exit << ", wanted " << code << "\n"
         << ran.out << ran.err;
}

}  // namespace hyops::test
