// A small installation in a temporary folder, real in everything: keys, lane, catalogue, ledger,
// runner.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "engine/admission.hpp"
#include "engine/run.hpp"
#include "engine/world.hpp"
#include "plan/plan.hpp"
#include "plugin/registry.hpp"
#include "process/spawn.hpp"
#include "record/record.hpp"
#include "trust/trust.hpp"

namespace hyops::tests {

namespace fs = std::filesystem;

inline bool has_tool(const char* name) {
  return process::find_executable(name, process::default_path).has_value();
}

class Quiet final : public engine::Observer {
 public:
  std::function<void(const std::string&, const Json&)> on_event;
  void event(const std::string& type, const Json& body, int64_t) override {
    if (on_event) on_event(type, body);
  }
  void progress(const std::string&, int, const std::string&) override {}
};

class Site {
 public:
  explicit Site(const std::string& plane = "cloud")
      : folder_(TempDir::create(fs::temp_directory_path(), "hyops-test").value()),
        runner(trust::SecretKey::generate().value()),
        alice(trust::SecretKey::generate().value()),
        bob(trust::SecretKey::generate().value()),
        decider(trust::SecretKey::generate().value()) {
    setup = {HYOPS_BUILD_DIR, folder_.path() / "home", folder_.path() / "catalog"};
    EXPECT_TRUE(make_folders(setup.home / "keys"));
    EXPECT_TRUE(make_folders(setup.home / "lanes/drill"));
    EXPECT_TRUE(runner.save(setup.signing_key(), "runner"));
    EXPECT_TRUE(
        engine::write_attestation(setup, {"test", plane, "0", runner.public_key().text, 1}));
    for (const char* kind : {"modules", "packs", "profiles", "blueprints"})
      EXPECT_TRUE(make_folders(setup.catalog / kind));
    profile("approvals = 1");
    lane();
    ledger.emplace(ledger::Ledger::open(setup.ledger()).value());
  }

  void file(const fs::path& path, const std::string& text, bool runs = false) {
    EXPECT_TRUE(make_folders(path.parent_path()));
    EXPECT_TRUE(write_file(path, text, runs ? 0755 : 0644));
  }

  // A module of its own name in test/, bound to a pack whose verb a plugin carries out.
  void verb(const std::string& name, const std::string& module_toml, const std::string& pack_toml) {
    file(setup.catalog / "modules/test" / name / "module.toml",
         "module = \"test/" + name + "\"\nversion = \"1.0.0\"\ntitle = \"" + name +
             "\"\ndoc = \"A test.\"\n" + module_toml);
    file(setup.catalog / "packs/test" / name / "pack.toml",
         "pack = \"test/" + name + "\"\nversion = \"1.0.0\"\nmodule = \"test/" + name +
             "\"\ndriver = \"plugin\"\n" + pack_toml);
    bind("test/" + name, "test/" + name);
  }

  // A module of its own name in test/, bound to a process pack whose run is a shell script.
  void tool(const std::string& name, const std::string& module_toml, const std::string& script,
            const std::string& pack_extra = "", const std::string& observe = "") {
    file(setup.catalog / "modules/test" / name / "module.toml",
         "module = \"test/" + name + "\"\nversion = \"1.0.0\"\ntitle = \"" + name +
             "\"\ndoc = \"A test.\"\n" + module_toml);
    const fs::path pack = setup.catalog / "packs/test" / name;
    file(pack / "pack.toml", "pack = \"test/" + name + "\"\nversion = \"1.0.0\"\nmodule = \"test/" +
                                 name + "\"\ndriver = \"process\"\n" + pack_extra +
                                 "\n[process]\nrun = [\"./run.sh\"]\n" +
                                 (observe.empty() ? "" : "observe = [\"./observe.sh\"]\n"));
    file(pack / "run.sh", "#!/bin/sh\nset -eu\n" + script, true);
    if (!observe.empty()) file(pack / "observe.sh", "#!/bin/sh\nset -eu\n" + observe, true);
    bind_ += "\"test/" + name + "\" = \"test/" + name + "\"\n";
    profile(approvals_);
  }

  // test.NAME is tests/plugins/NAME, signed by a vendor whom this installation trusts for test.*.
  // `more`: what else stands in its plugin.toml.
  void plugin(const std::string& name, const std::vector<std::string>& interfaces,
              const std::string& more = "requires = []\n") {
    const auto vendor = trust::SecretKey::generate().value();
    const std::string id = "test." + name;
    ASSERT_TRUE(plugin::add_trusted_key(setup.home / "trust",
                                        {name, vendor.public_key(), {"test."}, interfaces, 0}));
    const fs::path folder = setup.home / "plugins" / id;
    file(folder / "plugin.toml",
         "plugin = \"" + id + "\"\nversion = \"1.0.0\"\ntitle = \"Test\"\nvendor = \"tests\"\n" +
             "abi = \"1.0\"\nstatus = \"stable\"\nimplements = " + Json(interfaces).dump() + "\n" +
             more);
    fs::copy_file(fs::path(HYOPS_BUILD_DIR) / "tests/plugins" / name / "plugin.so",
                  folder / "plugin.so");
    ASSERT_TRUE(plugin::sign(folder, vendor));
  }

  void bind(const std::string& module, const std::string& pack) {
    bind_ += "\"" + module + "\" = \"" + pack + "\"\n";
    profile(approvals_);
  }

  void profile(const std::string& approvals, const std::string& extra = "") {
    approvals_ = approvals;
    file(setup.catalog / "profiles/drill.toml",
         "profile = \"drill\"\ntitle = \"Test\"\nlane_kinds = [\"drill\"]\n[bind]\n" + bind_ +
             "[approvals]\nrequired" + approvals.substr(approvals.find(' ')) +
             "\n[limits]\nparallel = 4\nstep_timeout = \"5m\"\n" + extra);
  }

  void lane(const std::string& extra = "") {
    file(setup.lane_file("drill"),
         "lane = \"drill\"\nkind = \"drill\"\nprofile = \"drill\"\nepoch = 1\n[approvers]\nalice = "
         "\"" +
             alice.public_key().text + "\"\nbob = \"" + bob.public_key().text +
             "\"\n[deciders]\nedge = \"" + decider.public_key().text + "\"\n" + extra);
  }

  void blueprint(const std::string& text) {
    file(setup.catalog / "blueprints/test/flow/blueprint.toml",
         "blueprint = \"test/flow\"\nversion = \"1.0.0\"\ntitle = \"A test\"\n" + text);
  }

  // Plans test/flow; what is wrong fails the test unless it is asked for.
  Json plan(contract::Diagnostics* wrong = nullptr, std::map<std::string, Json> inputs = {},
            Json origin = {}) {
    contract::Diagnostics problems;
    contract::Catalog catalog(setup.catalog);
    auto lane = contract::load_lane(setup.lane_file("drill"), problems);
    auto registry =
        plugin::Registry::open(plugin::standard_sources(setup.prefix, setup.home)).value();
    plan::Question question;
    question.blueprint = catalog.blueprint("test/flow", {}, problems);
    question.target = "cloud";
    question.origin =
        origin.is_null() ? Json{{"request", {{"by", "oncall"}, {"reason", "test"}}}} : origin;
    question.inputs = std::move(inputs);
    std::optional<plan::Plan> plan;
    if (lane && question.blueprint) {
      question.lane = &*lane;
      engine::LocalWorld world(&*ledger, registry, *lane);
      plan = plan::resolve(question, catalog, world.world(), problems);
      if (plan) plan::judge(*plan, *catalog.profile("drill", {}, problems), problems);
    }
    if (wrong) *wrong = problems;
    if (!wrong) {
      for (const auto& problem : problems) ADD_FAILURE() << problem.text();
    }
    return plan ? plan::to_json(*plan) : Json();
  }

  trust::SignedDocument approval(const Json& plan, const trust::SecretKey& key,
                                 const std::string& who,
                                 const std::function<void(trust::Approval&)>& change = {}) {
    const auto parsed = plan::parse_plan(plan).value();
    trust::Approval approval;
    approval.approver = who;
    approval.decision = engine::origin_digest(parsed).value();
    approval.plan = plan::digest(parsed).value().value;
    approval.lane = parsed.lane;
    approval.blast_radius = digest_of_json(parsed.blast_radius).value();
    approval.cost_cap_micro = 1'000'000;
    approval.from_ms = system_clock().wall_ms() - 1000;
    approval.until_ms = approval.from_ms + 600'000;
    approval.nonce = random_token();
    if (change) change(approval);
    const std::string document = trust::to_document(approval).value();
    return {who, document, key.sign(document, "approval").value()};
  }

  // Alice's word on a step of the last run whose outcome is unknown.
  trust::SignedDocument statement(const std::string& step, const std::string& choice,
                                  const std::function<void(trust::Statement&)>& change = {}) {
    trust::Statement out;
    out.by = "alice";
    out.lane = "drill";
    out.run = last.value;
    out.step = step;
    out.choice = choice;
    if (choice == "adopt") out.outputs = {{"x", "1"}};
    out.reason = "looked at the host";
    out.made_ms = system_clock().wall_ms();
    if (change) change(out);
    const std::string document = trust::to_document(out).value();
    return {step, document, alice.sign(document, "statement").value()};
  }

  Result<RunId> admit(const Json& plan) {
    return engine::admit(setup, *ledger,
                         {plan, {}, {approval(plan, alice, "alice")}, "oncall", "", 0});
  }

  // Admits and runs; the status, or the error's code.
  std::string run(const Json& plan) {
    auto id = admit(plan);
    if (!id) return id.error().code + ": " + id.error().text();
    return go_on(*id);
  }

  std::string go_on(const RunId& id) {
    last = id;
    auto status = engine::execute(setup, *ledger, id, observer);
    return status ? *status : status.error().code + ": " + status.error().text();
  }

  fs::path record() const { return setup.run_folder(last.value) / "record"; }

  record::Verification verify(const trust::Witness* witness = nullptr) {
    const auto key = runner.public_key();
    return record::verify(
               record(),
               [&](std::string_view message, std::string_view signature) -> Result<std::string> {
                 auto good = trust::verify(message, signature, {key});
                 if (!good) return pass(good);
                 return "test";
               },
               witness)
        .value();
  }

  // step -> ending, as the record tells it.
  std::map<std::string, std::string> endings() {
    std::map<std::string, std::string> out;
    EXPECT_TRUE(ledger->each_event(last, 0, [&](const ledger::Event& event) {
      if (event.type == "step.ended")
        out[get_string(event.body, "step")] = get_string(event.body, "ending");
      return true;
    }));
    return out;
  }

  std::vector<std::string> events(const std::string& type) {
    std::vector<std::string> out;
    EXPECT_TRUE(ledger->each_event(last, 0, [&](const ledger::Event& event) {
      if (event.type == type) out.push_back(event.body.dump());
      return true;
    }));
    return out;
  }

  const fs::path& path() const { return folder_.path(); }

 private:
  TempDir folder_;
  std::string bind_, approvals_ = "approvals = 1";

 public:
  trust::SecretKey runner, alice, bob, decider;
  engine::Setup setup;
  std::optional<ledger::Ledger> ledger;
  Quiet observer;
  RunId last;
};

}  // namespace hyops::tests
