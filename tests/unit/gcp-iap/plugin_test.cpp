// The plugin through its real helper: what it opens, what it refuses, what it leaves behind.
#include "base/clock.hpp"
#include "plugin/check/check.hpp"
#include "plugin/instance.hpp"
#include "plugin/stream_service.hpp"
#include "support/iap_tunnel.hpp"
#include "support/sshd.hpp"
#include "unit/net/http_server.hpp"

namespace hyops::tests {
namespace {

namespace fs = std::filesystem;
using plugin::Instance;

template <class T>
std::string code(const Result<T>& result) {
  return result ? "ok" : result.error().code;
}

Result<Json> call(Instance& instance, const std::string& verb, const Json& input) {
  plugin::CallRequest request;
  request.interface = "hyops.access/1";
  request.verb = verb;
  request.input = input;
  request.key = "run-1/access/1";
  request.lane = "drill";
  request.fencing_token = 3;
  return instance.call(request);
}

class IapPlugin : public Tunnel {
 protected:
  ~IapPlugin() override { (void)plugin::Streams(place(), {}).close_all(); }

  plugin::StreamPlace place() const {
    return {HYOPS_BUILD_DIR "/libexec/hyops/hyops-step-host",
            HYOPS_BUILD_DIR "/libexec/hyops/hyops-stream-host", temp_.path() / "streams"};
  }
  Result<Instance> start(const Json& config) {
    auto registry = plugin::Registry::open(plugin::standard_sources(HYOPS_BUILD_DIR, temp_.path()));
    if (!registry) return pass(registry);
    plugin::Services services;
    services.secret = [](const std::string& name) -> Result<Secret> {
      return name == "gcp-token" ? Secret("token-1") : Secret("token-of-a-stranger");
    };
    services.exec_values = {{"identity_file", (temp_.path() / "id").string()}};
    services.streams = place();
    return Instance::start(*registry, "hyops.access.gcp-iap", config, std::move(services));
  }

  Json config() const {
    return {{"workload_project", "acme-work"},
            {"token", "gcp-token"},
            {"relay", relay_->url()},
            {"ca_file", relay_->ca_file().string()},
            {"patience", "0s"}};
  }

  static Json host(int port, const std::string& host_key) {
    return {{"name", "db"},
            {"zone", "europe-west1-b"},
            {"user", "root"},
            {"address", "10.20.0.5"},
            {"port", port},
            {"host_key", host_key},
            {"placement", "projects/acme-work/zones/europe-west1-b/instances/db-1"}};
  }

  // What a driver does with an endpoint: to its ssh it is one like any other.
  process::Output drive(const Json& endpoint, const std::string& identity,
                        const std::string& command) {
    const std::string port = std::to_string(get_int(endpoint, "port"));
    const std::string known_hosts = (temp_.path() / "known_hosts").string();
    EXPECT_TRUE(write_file(known_hosts,
                           "[127.0.0.1]:" + port + " " + get_string(endpoint, "host_key") + "\n"));
    process::SpawnRequest ssh;
    ssh.argv = {"ssh", "-F", "none", "-i", identity, "-p", port};
    for (const auto& option : {"UserKnownHostsFile=" + known_hosts, std::string("BatchMode=yes"),
                               std::string("IdentityAgent=none")}) {
      ssh.argv.push_back("-o");
      ssh.argv.push_back(option);
    }
    ssh.argv.insert(ssh.argv.end(), {"root@127.0.0.1", command});
    ssh.environment = {{"PATH", process::default_path}, {"HOME", temp_.path().string()}};
    const auto done = process::run(ssh, 60'000);
    EXPECT_TRUE(done) << done.error().text();
    return done ? *done : process::Output{{255, 0}, "", ""};
  }
};

TEST_F(IapPlugin, A4_opens_a_proven_endpoint_whose_driver_sees_no_broken_connection) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "sshd lets in only whom it runs as, and needs root for that";
  const Sshd sshd(temp_.path());
  relay();
  auto iap = start(config());
  ASSERT_TRUE(iap) << iap.error().text();
  const Json hosts{{"hosts", {host(sshd.port(), sshd.host_key())}}};

  const auto proof = call(*iap, "prove", hosts);
  ASSERT_TRUE(proof) << proof.error().text();
  for (const char* part : {"route", "port", "host_key", "login", "mtu", "clock"})
    EXPECT_EQ((*proof)["hosts"][0][part], true) << part << " " << proof->dump();
  EXPECT_EQ((*call(*iap, "observe", hosts))["present"], false) << "a proof leaves nothing open";

  const auto opened = call(*iap, "open", hosts);
  ASSERT_TRUE(opened) << opened.error().text();
  const Json endpoint = (*opened)["endpoints"][0];
  EXPECT_EQ(endpoint["address"], "127.0.0.1");
  EXPECT_EQ(endpoint["host_key"], sshd.host_key());
  EXPECT_GT(get_int(endpoint, "expires_ms"), system_clock().wall_ms());
  EXPECT_EQ(*call(*iap, "open", hosts), *opened) << "again under one key: the same endpoint";
  EXPECT_EQ((*call(*iap, "observe", hosts))["present"], true);

  const int before = relay_->seen().reconnects;
  relay_->break_after(250'000, 3);  // each: that many bytes from the one before
  const auto said = drive(endpoint, sshd.identity(), "head -c 1000000 /dev/zero | tr '\\0' x");
  EXPECT_TRUE(said.out == std::string(1'000'000, 'x')) << said.out.size() << ": " << said.err;
  EXPECT_GE(relay_->seen().reconnects - before, 3) << "no connection broke: it shows nothing";

  EXPECT_EQ(code(call(*iap, "close", *opened)), "ok");
  EXPECT_EQ(code(call(*iap, "close", *opened)), "ok") << "again: fine";
  EXPECT_EQ((*call(*iap, "observe", hosts))["present"], false);
  EXPECT_EQ(relay_->seen().violations, std::vector<std::string>{});
}

TEST_F(IapPlugin, A6_leaves_nothing_open_for_a_host_that_shows_another_key) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "sshd lets in only whom it runs as, and needs root for that";
  const Sshd sshd(temp_.path());
  relay();
  const net::HttpServer metadata([](const net::Request&) {  // where this token comes from
    auto answer = net::HttpServer::answer(200, R"({"access_token":"token-1"})");
    answer.set("Metadata-Flavor", "Google");
    return answer;
  });
  Json given = config();
  given.erase("token");
  given["metadata"] = metadata.url("/token");
  auto iap = start(given);
  ASSERT_TRUE(iap) << iap.error().text();
  const Json hosts{
      {"hosts",
       {host(sshd.port(),
             "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICD2XChnG0CTfFvyOsx8bzflpewGIuNHtXaFcl31up5Q")}}};
  EXPECT_EQ(code(call(*iap, "open", hosts)), "access.host_key.changed");
  EXPECT_EQ((*call(*iap, "observe", hosts))["present"], false);
}

// Before any driver waits at an endpoint: in the relay's own words.
TEST_F(IapPlugin, says_what_the_relay_said_where_there_is_no_way) {
  relay();
  const auto refusal = [&](const Json& config, const Json& host) {
    auto iap = start(config);
    return iap ? code(call(*iap, "open", {{"hosts", {host}}})) : iap.error().code;
  };
  std::string nobody;
  {
    const Port gone([](int) {});
    nobody = gone.number();
  }
  Json silent = host(std::stoi(nobody), "ssh-ed25519 AAAA"), unknown = silent;
  unknown["placement"] = "projects/acme-work/zones/europe-west1-b/instances/db-2";
  Json stranger = config();
  stranger["token"] = "a-strangers";
  EXPECT_EQ(refusal(config(), silent), "access.iap.backend") << "4003";
  EXPECT_EQ(refusal(config(), unknown), "access.iap.lookup") << "4047";
  EXPECT_EQ(refusal(stranger, silent), "access.iap.denied") << "4033";
}

TEST_F(IapPlugin, A4_reaches_nothing_but_instances_of_its_platform_and_project) {
  relay();
  auto iap = start(config());
  ASSERT_TRUE(iap) << iap.error().text();
  Json other = host(22, "ssh-ed25519 AAAA");
  for (const auto& [placement, refusal] :
       {std::pair{"lab/cloud/db", "access.iap.platform"},
        {"projects/acme-work/regions/europe-west1/instances/db-1", "access.iap.platform"},
        {"projects/acme-live/zones/europe-west1-b/instances/db-1", "access.iap.project"}}) {
    other["placement"] = placement;
    EXPECT_EQ(code(call(*iap, "open", {{"hosts", {other}}})), refusal) << placement;
  }
  EXPECT_EQ(relay_->seen().connects, 0);
}

// Whoever wants it binds it.
TEST(IapCatalogue, A4_binds_it_in_no_profile_and_names_it_in_no_blueprint_or_module_that_ships) {
  const fs::path catalog = fs::path(HYOPS_SOURCE_DIR) / "catalog";
  for (const char* folder : {"profiles", "blueprints", "modules"})
    for (const auto& file : fs::recursive_directory_iterator(catalog / folder)) {
      if (!file.is_regular_file()) continue;
      const auto text = read_file(file.path());
      ASSERT_TRUE(text) << file.path();
      EXPECT_EQ(text->find("gcp-iap"), text->npos) << file.path();
    }
}

TEST_F(IapPlugin, C4_takes_a_project_by_its_role_and_says_where_its_token_comes_from) {
  relay();
  EXPECT_TRUE(start(config()));
  const auto refused = [&](const std::string& words, const std::function<void(Json&)>& change) {
    Json changed = config();
    change(changed);
    const auto made = start(changed);
    ASSERT_FALSE(made) << words;
    EXPECT_NE(made.error().text().find(words), std::string::npos) << made.error().text();
  };
  refused("is no role of a project (C4)", [](Json& c) { c["project"] = "acme-work"; });
  refused("no setting host_project", [](Json& c) { c["project"] = "host_project"; });
  refused("plugin.config.unknown", [](Json& c) { c["project_id"] = "acme-work"; });
  refused("say where the token comes from", [](Json& c) { c.erase("token"); });
  refused("say where the token comes from", [](Json& c) { c["metadata"] = "http://x/"; });
}

TEST_F(IapPlugin, keeps_every_promise_of_the_contract) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "sshd lets in only whom it runs as, and needs root for that";
  const Sshd sshd(temp_.path());
  relay();
  const Json given = config();
  std::string settings;
  for (const auto& [name, value] : given.items())
    settings += "config." + name + " = " + value.dump() + "\n";
  ASSERT_TRUE(write_file(temp_.path() / "check.toml", settings));
  auto subject = plugin::check::read_subject(
      fs::path(HYOPS_BUILD_DIR) / "lib/hyops/plugins/hyops.access.gcp-iap",
      temp_.path() / "check.toml", HYOPS_BUILD_DIR "/libexec/hyops/hyops-plugin-host");
  ASSERT_TRUE(subject) << subject.error().text();
  subject->secrets = {{"gcp-token", "token-1"}};
  subject->exec_values = {{"identity_file", sshd.identity()}};
  subject->inputs["hyops.access/1"] = {{"hosts", {host(sshd.port(), sshd.host_key())}}};
  // Those that kill and cancel at every event log in a hundred times; what is opened twice and what
  // it answers is tried above.
  const std::vector<std::string> some{"loads-now",     "creates",       "rejects-wrong-config",
                                      "keeps-secrets", "release-twice", "survives-null-services"};
  const auto report =
      plugin::check::run(std::move(*subject), whole() ? std::vector<std::string>() : some);
  ASSERT_TRUE(report) << report.error().text();
  for (const auto& verdict : report->verdicts)
    EXPECT_NE(plugin::check::name(verdict.outcome), "failed")
        << verdict.check << ": " << verdict.reason;
}

}  // namespace
}  // namespace hyops::tests
