// The lab's plugins through the real helper against a real lab: hosts, egress, isolation, proven
// access.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include "base/file.hpp"
#include "base/ids.hpp"
#include "plugin/check/check.hpp"
#include "plugin/instance.hpp"
#include "process/spawn.hpp"

namespace hyops::plugin {
namespace {

namespace fs = std::filesystem;

std::string labd(std::vector<std::string> argv) {
  process::SpawnRequest request;
  argv.insert(argv.begin(), HYOPS_BUILD_DIR "/libexec/hyops/hyops-labd");
  request.argv = std::move(argv);
  request.environment = {{"PATH", process::default_path}, {"LANG", "C.UTF-8"}, {"HOME", "/root"}};
  auto done = process::run(request, 60'000);
  EXPECT_TRUE(done && done->exit.code == 0) << (done ? done->err : done.error().text());
  return done ? done->out : "";
}

class LocalPlugins : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "the lab needs root; type: sudo ctest -L lab";
    temp_.emplace(*TempDir::create(fs::temp_directory_path()));
    name_ = "lp" + random_token(3);
    dir_ = (temp_->path() / "lab").string();
    labd({"up", "--dir", dir_, "--name", name_, "--with", std::to_string(::getpid())});
    // This process steps into the router, where the APIs and all zones are; helpers and ssh inherit
    // it.
    outside_ = Fd(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    const Fd router(::open(("/run/netns/" + name_ + "-router").c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(router) << "no namespace of the lab's router";
    ASSERT_EQ(::setns(router.get(), CLONE_NEWNET), 0);
    for (const char* zone : {"cloud", "edge"}) {
      std::string token = labd({"token", "--dir", dir_, zone});
      while (!token.empty() && token.back() == '\n') token.pop_back();
      tokens_[std::string("token-") + zone] = token;
    }
  }

  void TearDown() override {
    if (!outside_) return;
    ASSERT_EQ(::setns(outside_.get(), CLONE_NEWNET), 0);
    labd({"down", "--dir", dir_});
  }

  Result<Instance> start(const std::string& id, const Json& config,
                         Json exec_values = Json::object()) {
    auto registry = Registry::open(standard_sources(HYOPS_BUILD_DIR, temp_->path()));
    if (!registry) return pass(registry);
    Services services;
    services.secret = [this](const std::string& name) -> Result<Secret> {
      const auto found = tokens_.find(name);
      if (found == tokens_.end()) return fail("secret.unknown", name);
      return Secret(found->second);
    };
    services.http_record = [this](const Json& line) { requests_.push_back(line); };
    services.exec_values = std::move(exec_values);
    return Instance::start(*registry, id, config, std::move(services));
  }

  Result<Json> call(Instance& instance, const std::string& interface, const std::string& verb,
                    const Json& input, const std::string& key = "run-1/step/1") {
    CallRequest request;
    request.interface = interface;
    request.verb = verb;
    request.input = input;
    request.key = key;
    request.lane = "drill";
    request.fencing_token = 3;
    return instance.call(request);
  }

  const Json cloud_{{"api", "http://10.77.3.1:7077"}, {"token", "token-cloud"}};
  std::optional<TempDir> temp_;
  std::string name_, dir_;
  Fd outside_;
  std::map<std::string, std::string> tokens_;
  std::vector<Json> requests_;
};

template <class T>
std::string code(const Result<T>& result) {
  return result ? "ok" : result.error().code;
}

TEST_F(LocalPlugins, place_prove_and_release_hosts) {
  process::SpawnRequest keygen;
  const std::string identity = (temp_->path() / "id").string();
  keygen.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", identity};
  ASSERT_TRUE(process::run(keygen, 30'000));
  std::string line = *read_file(identity + ".pub");
  line.pop_back();

  auto compute = start("hyops.local.compute", cloud_);
  ASSERT_TRUE(compute) << compute.error().text();
  const Json inputs{
      {"name", "db"}, {"role", "postgresql"}, {"count", 2}, {"authorized_keys", {line}}};
  const char* provider = "hyops.provider/1";
  auto planned = call(*compute, provider, "plan", inputs);
  ASSERT_TRUE(planned) << planned.error().text();
  EXPECT_EQ((*planned)["hosts"].size(), 2u);
  EXPECT_TRUE(requests_.empty()) << "plan is pure";
  EXPECT_EQ((*call(*compute, provider, "observe", inputs))["present"], false);

  auto placed = call(*compute, provider, "apply", inputs);
  ASSERT_TRUE(placed) << placed.error().text();
  const Json hosts = (*placed)["hosts"];
  ASSERT_EQ(hosts.size(), 2u);
  EXPECT_EQ(hosts[0]["name"], "db-1");
  EXPECT_EQ(hosts[0]["zone"], "cloud");
  EXPECT_EQ(hosts[0].size(), 7u);
  EXPECT_EQ(*call(*compute, provider, "apply", inputs), *placed)
      << "the same key places nothing twice";
  auto seen = call(*compute, provider, "observe", inputs);
  EXPECT_EQ((*seen)["present"], true);
  EXPECT_EQ((*seen)["hosts"], hosts);
  EXPECT_EQ((*call(*compute, provider, "observe", inputs, "another-key"))["present"], false);
  EXPECT_EQ(code(call(*compute, provider, "apply", inputs, "another-key")), "lab.host.exists");

  auto access = start("hyops.access.runner-local", Json::object(), {{"identity_file", identity}});
  ASSERT_TRUE(access) << access.error().text();
  auto opened = call(*access, "hyops.access/1", "open", {{"hosts", hosts}});
  ASSERT_TRUE(opened) << opened.error().text();
  EXPECT_EQ((*opened)["endpoints"].size(), 2u);
  EXPECT_EQ((*opened)["endpoints"][0]["address"], hosts[0]["address"]);
  EXPECT_EQ((*opened)["endpoints"][0]["expires_ms"], 0);

  Json swapped = hosts;  // each has the other's key: as if the address led to another machine
  swapped[0]["host_key"] = hosts[1]["host_key"];
  EXPECT_EQ(code(call(*access, "hyops.access/1", "open", {{"hosts", swapped}})),
            "access.host_key.changed");
  auto proof = call(*access, "hyops.access/1", "prove", {{"hosts", swapped}});
  EXPECT_EQ((*proof)["hosts"][0]["port"], true);
  EXPECT_EQ((*proof)["hosts"][0]["host_key"], false);
  EXPECT_EQ((*proof)["hosts"][1]["login"], true);

  auto stranger =
      start("hyops.access.runner-local", {{"patience", "0s"}}, {{"identity_file", "/nonexistent"}});
  EXPECT_EQ(code(call(*stranger, "hyops.access/1", "open", {{"hosts", hosts}})), "access.login");
  Json nowhere = hosts;
  nowhere[0]["port"] = 1;
  EXPECT_EQ(code(call(*stranger, "hyops.access/1", "open", {{"hosts", nowhere}})), "access.port");

  EXPECT_EQ(code(call(*compute, provider, "release", {{"hosts", hosts}})), "ok");
  EXPECT_EQ(code(call(*compute, provider, "release", {{"hosts", hosts}})), "ok");
  EXPECT_EQ((*call(*compute, provider, "observe", inputs))["hosts"].size(), 0u);
  for (const auto& request : requests_)
    EXPECT_EQ(request.dump().find(tokens_["token-cloud"]), std::string::npos);
}

TEST_F(LocalPlugins, declare_egress_and_fence_a_zone) {
  Json config = cloud_;
  config["fence_api"] = "http://10.77.2.1:7077";
  config["fence_token"] = "token-edge";
  auto egress = start("hyops.local.egress", config);
  ASSERT_TRUE(egress) << egress.error().text();
  const char* interface = "hyops.egress/1";
  const Json policy{{"zone", "cloud"},
                    {"sources", {"10.77.3.0/24"}},
                    {"allow", {"198.51.100.10/32:80"}},
                    {"mode", "nat"}};
  EXPECT_EQ((*call(*egress, interface, "observe", policy))["present"], false);
  auto applied = call(*egress, interface, "apply", policy);
  ASSERT_TRUE(applied) << applied.error().text();
  EXPECT_EQ(code(call(*egress, interface, "apply", policy)), "ok");
  EXPECT_EQ((*call(*egress, interface, "observe", policy))["present"], true);
  EXPECT_EQ(code(call(*egress, interface, "release", policy)), "ok");
  EXPECT_EQ(code(call(*egress, interface, "release", policy)), "ok");
  Json wide = policy;
  wide["mode"] = "none";
  EXPECT_EQ(code(call(*egress, interface, "apply", wide)), "lab.egress.mode");

  const Json fence{{"zone", "onprem"}, {"reason", "site lost"}};
  auto fenced = call(*egress, interface, "apply", fence);
  ASSERT_TRUE(fenced) << fenced.error().text();
  const Json claim = Json::parse(get_string(*fenced, "proof"));
  EXPECT_EQ(claim["kind"], "network-isolated");
  EXPECT_EQ(claim["subject"]["zone"], "onprem");
  EXPECT_NE(get_string(claim, "evidence").find("zone onprem is isolated"), std::string::npos);
  EXPECT_EQ((*call(*egress, interface, "observe", fence))["present"], true);
  EXPECT_EQ(code(call(*egress, interface, "release", fence)), "ok");
  EXPECT_EQ((*call(*egress, interface, "observe", fence))["present"], false);
}

Json probes_that_fail(const Json& proof) {
  Json failed = Json::array();
  for (const auto& probe : proof["probes"])
    if (!probe["ok"].get<bool>()) failed.push_back(probe["probe"]);
  return failed;
}

TEST_F(LocalPlugins, prove_egress_and_offline_with_packets_both_ways_and_count_them) {
  auto egress = start("hyops.local.egress", cloud_);
  ASSERT_TRUE(egress) << egress.error().text();
  const char* interface = "hyops.egress/1";
  Json policy{{"zone", "cloud"},
              {"sources", {"10.77.3.0/24"}},
              {"allow", {"198.51.100.10/32:80"}},
              {"mode", "nat"},
              {"canaries", {"198.51.100.10:80", "198.51.100.10:22"}}};
  ASSERT_EQ(code(call(*egress, interface, "apply", policy)), "ok");
  EXPECT_EQ(code(call(*egress, interface, "prove", policy)), "lab.egress.no_host");
  auto compute = start("hyops.local.compute", cloud_);
  ASSERT_TRUE(compute) << compute.error().text();
  ASSERT_EQ(code(call(*compute, "hyops.provider/1", "apply",
                      {{"name", "db"}, {"role", "repository"}, {"count", 1}})),
            "ok");

  auto proof = call(*egress, interface, "prove", policy);
  ASSERT_TRUE(proof) << proof.error().text();
  EXPECT_EQ((*proof)["proven"], true) << proof->dump(1);
  EXPECT_EQ((*proof)["reachable"], Json({"db -> 198.51.100.10:80"}));
  EXPECT_EQ((*proof)["denied"],
            Json({"db -> 198.51.100.10:22 (silent)", "outside -> 10.77.3.100:22 (silent)"}));
  ASSERT_EQ((*proof)["connections"].size(), 1u) << (*proof)["connections"];
  EXPECT_GT((*proof)["connections"]["198.51.100.10:80/tcp"], 0);
  // Offline is declared and proven like everything else.
  Json offline = policy;
  offline["allow"] = Json::array();
  offline["mode"] = "none";
  EXPECT_EQ(probes_that_fail(*call(*egress, interface, "prove", offline)),
            Json({"the rules that stand are the ones declared", "db -> 198.51.100.10:80"}));
  ASSERT_EQ(code(call(*egress, interface, "apply", offline)), "ok");
  proof = call(*egress, interface, "prove", offline);
  EXPECT_EQ((*proof)["proven"], true) << proof->dump(1);
  EXPECT_EQ((*proof)["reachable"], Json::array());
  EXPECT_EQ((*proof)["denied"].size(), 3u);

  // No proof: what is allowed does not answer, nobody would have answered, somebody gets in.
  Json dead = policy;
  dead["allow"].push_back("198.51.100.10/32:81");
  ASSERT_EQ(code(call(*egress, interface, "apply", dead)), "ok");
  EXPECT_EQ(probes_that_fail(*call(*egress, interface, "prove", dead)),
            Json({"db -> 198.51.100.10:81"}));
  ASSERT_EQ(code(call(*egress, interface, "apply", policy)), "ok");
  Json vain = policy;
  vain["canaries"] = {"198.51.100.10:80", "198.51.100.10:81"};
  EXPECT_EQ(probes_that_fail(*call(*egress, interface, "prove", vain)),
            Json({"outside -> 198.51.100.10:81"}));
  vain["canaries"] = {"198.51.100.10:80"};
  EXPECT_EQ(probes_that_fail(*call(*egress, interface, "prove", vain)),
            Json({"somebody tried what is not allowed"}));
}

TEST_F(LocalPlugins, open_no_port_to_everybody_nor_of_a_database_and_tell_what_stands_open) {
  Json config = cloud_;
  config["zone"] = "cloud";
  config["widest"] = 28;
  config["patience"] = "0s";
  auto compute = start("hyops.local.compute", cloud_);
  ASSERT_TRUE(compute) << compute.error().text();
  process::SpawnRequest keygen;
  const std::string identity = (temp_->path() / "id").string();
  keygen.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", identity};
  ASSERT_TRUE(process::run(keygen, 30'000));
  std::string line = *read_file(identity + ".pub");
  line.pop_back();
  const auto placed = [&](const char* name, const char* role) {
    auto there = call(*compute, "hyops.provider/1", "apply",
                      {{"name", name}, {"role", role}, {"authorized_keys", {line}}},
                      std::string("run-1/") + name);
    EXPECT_TRUE(there) << there.error().text();
    return there ? (*there)["hosts"] : Json::array();
  };
  const Json web = placed("web", "repository"), db = placed("db", "postgresql");

  auto access = start("hyops.access.public-ephemeral", config, {{"identity_file", identity}});
  ASSERT_TRUE(access) << access.error().text();
  const char* interface = "hyops.access/1";
  const Json good{{"hosts", web},
                  {"break_glass", true},
                  {"public_reason", "the overlay is gone"},
                  {"public_sources", {"198.51.100.0/28"}},
                  {"public_for", 120'000}};
  const auto refused = [&](const char* input, const Json& value) {
    Json inputs = good;
    inputs[input] = value;
    return code(call(*access, interface, "open", inputs));
  };
  for (const Json& sources :
       {Json::array(), Json({"0.0.0.0/0"}), Json({"::/0"}), Json({"198.51.100.0/27"}),
        Json({"198.51.100.0/28", "2001:db8::/64"})})
    EXPECT_EQ(refused("public_sources", sources), "access.public.source") << sources;
  EXPECT_EQ(refused("break_glass", false), "access.public.profile");
  EXPECT_EQ(refused("public_reason", " "), "access.public.reason");
  EXPECT_EQ(refused("public_for", 3'600'000), "access.public.time");
  EXPECT_EQ(refused("hosts", db), "access.public.database");
  EXPECT_EQ(refused("hosts", Json({web[0], db[0]})), "access.public.database");
  Json elsewhere = web;
  elsewhere[0]["address"] = "10.77.3.250";
  EXPECT_EQ(refused("hosts", elsewhere), "access.public.unknown");
  const Json nothing{{"hosts", Json::array()}};
  EXPECT_EQ((*call(*access, interface, "observe", nothing))["opened"], Json::array());

  // A host that does not let us in leaves no port open behind.
  Json closed = web;
  closed[0]["host_key"] = db[0]["host_key"];
  EXPECT_EQ(refused("hosts", closed), "access.host_key.changed");
  EXPECT_EQ((*call(*access, interface, "observe", nothing))["opened"], Json::array());

  auto opened = call(*access, interface, "open", good);
  ASSERT_TRUE(opened) << opened.error().text();
  EXPECT_GT((*opened)["endpoints"][0]["expires_ms"], 0);
  EXPECT_EQ(code(call(*access, interface, "open", good)), "ok") << "the same intent";
  const auto open = (*call(*access, interface, "observe", nothing))["opened"];
  ASSERT_EQ(open.size(), 1u) << open;
  EXPECT_EQ(open[0]["key"], "run-1/step/1");
  EXPECT_EQ(open[0]["fencing_token"], 3);
  EXPECT_EQ((*call(*access, interface, "observe", {{"hosts", web}}))["present"], true);
  EXPECT_EQ(code(call(*access, interface, "close", {{"endpoints", Json::array()}}, "another")),
            "ok");
  EXPECT_EQ((*call(*access, interface, "observe", nothing))["opened"].size(), 1u);
  EXPECT_EQ(code(call(*access, interface, "close", {{"endpoints", Json::array()}})), "ok");
  EXPECT_EQ((*call(*access, interface, "observe", nothing))["opened"], Json::array());
}

TEST_F(LocalPlugins, power_a_host_off_and_prove_it) {
  auto compute = start("hyops.local.compute", cloud_);
  ASSERT_TRUE(compute) << compute.error().text();
  const char* provider = "hyops.provider/1";
  auto placed = call(*compute, provider, "apply", {{"name", "old"}, {"role", "postgresql"}});
  ASSERT_TRUE(placed) << placed.error().text();
  const Json fence{{"hosts", (*placed)["hosts"]}, {"reason", "site given up"}};
  requests_.clear();
  EXPECT_EQ((*call(*compute, provider, "plan", fence))["hosts"].size(), 1u);
  EXPECT_TRUE(requests_.empty()) << "plan is pure";
  EXPECT_EQ((*call(*compute, provider, "observe", fence))["present"], false);
  auto off = call(*compute, provider, "apply", fence, "run-2/fence/1");
  ASSERT_TRUE(off) << off.error().text();
  const Json claim = Json::parse(get_string(*off, "proof"));
  EXPECT_EQ(claim["kind"], "host-powered-off");
  EXPECT_EQ(claim["subject"]["hosts"][0]["name"], "old");
  EXPECT_EQ(claim["subject"]["hosts"][0]["address"], (*placed)["hosts"][0]["address"]);
  EXPECT_NE(labd({"status", "--dir", dir_}).find("off"), std::string::npos);
  EXPECT_EQ((*call(*compute, provider, "observe", fence))["present"], true);
  EXPECT_EQ(code(call(*compute, provider, "apply", fence, "run-2/fence/1")), "ok");
  labd({"power", "--dir", dir_, "old", "on"});
  EXPECT_EQ((*call(*compute, provider, "observe", fence))["present"], false)
      << "who powers it on again takes the fence away";
  // Whoever got the name since is another host, and keeps its power.
  Json former = fence;
  former["hosts"][0]["placement"] = "an-earlier-one";
  EXPECT_EQ((*call(*compute, provider, "observe", former))["present"], true);
}

TEST_F(LocalPlugins, keep_every_promise_of_the_contract) {
  process::SpawnRequest keygen;
  const std::string identity = (temp_->path() / "id").string();
  keygen.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", identity};
  ASSERT_TRUE(process::run(keygen, 30'000));
  std::string line = *read_file(identity + ".pub");
  line.pop_back();
  auto compute = start("hyops.local.compute", cloud_);
  ASSERT_TRUE(compute) << compute.error().text();
  auto placed = call(*compute, "hyops.provider/1", "apply",
                     {{"name", "there"}, {"role", "check"}, {"authorized_keys", {line}}});
  ASSERT_TRUE(placed) << placed.error().text();

  const auto check = [&](const std::string& id, const Json& config, const Json& inputs) {
    std::string settings;
    for (const auto& [name, value] : config.items())
      settings += "config." + name + " = " + value.dump() + "\n";
    ASSERT_TRUE(write_file(temp_->path() / "check.toml", settings));
    auto subject = check::read_subject(fs::path(HYOPS_BUILD_DIR) / "lib/hyops/plugins" / id,
                                       temp_->path() / "check.toml",
                                       HYOPS_BUILD_DIR "/libexec/hyops/hyops-plugin-host");
    ASSERT_TRUE(subject) << subject.error().text();
    subject->secrets = tokens_;
    subject->exec_values = {{"identity_file", identity}};
    subject->inputs[subject->manifest.implements.front()] = inputs;
    auto report = check::run(std::move(*subject), {});
    ASSERT_TRUE(report) << report.error().text();
    for (const auto& verdict : report->verdicts)
      EXPECT_NE(check::name(verdict.outcome), "failed")
          << id << " " << verdict.check << ": " << verdict.reason;
  };
  check("hyops.local.compute", cloud_, {{"name", "check"}, {"role", "check"}});
  check("hyops.local.egress", cloud_,
        {{"zone", "cloud"},
         {"sources", {"10.77.3.0/24"}},
         {"allow", {"198.51.100.10/32:80"}},
         {"mode", "nat"},
         {"canaries", {"198.51.100.10:22"}}});
  check("hyops.access.public-ephemeral", cloud_,
        {{"hosts", (*placed)["hosts"]},
         {"break_glass", true},
         {"public_reason", "a check"},
         {"public_sources", {"198.51.100.10/32"}},
         {"public_for", 60'000}});
  check("hyops.access.runner-local", Json::object(), {{"hosts", (*placed)["hosts"]}});
}

}  // namespace
}  // namespace hyops::plugin
