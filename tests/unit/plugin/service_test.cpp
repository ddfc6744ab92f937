// What the core does for a plugin, and what it refuses although it was asked nicely.
#include "support/metadata_service.hpp"
#include "unit/net/http_server.hpp"
#include "unit/plugin/plugin_folder.hpp"

namespace hyops::plugin {
namespace {

constexpr const char* http_manifest =
    "requires = [\"hyops.http/1\", \"hyops.clock/1\"]\n[http]\nhosts = [\"{config.api}\"]\n"
    "[inputs.api]\ntype = \"string\"\nrequired = true\n[inputs.token]\ntype = \"secret\"\n";

struct Recorded {
  std::vector<Json> http;
  std::vector<std::string> asked;
  Services services() {
    Services out;
    out.secret = [this](const std::string& name) -> Result<Secret> {
      asked.push_back(name);
      return Secret("value-of-" + name);
    };
    out.http_record = [this](const Json& line) { http.push_back(line); };
    return out;
  }
};

Json get(const std::string& url, const std::string& secret = {}) {
  Json request{{"method", "GET"}, {"url", url}};
  if (!secret.empty()) request["auth"] = {{"scheme", "bearer"}, {"secret", secret}};
  return {{"service", "http"}, {"request", request}};
}

TEST(PluginService, puts_a_secret_into_a_request_that_the_plugin_never_sees) {
  net::HttpServer server([](const net::Request& asked) {
    return std::optional(net::HttpServer::answer(
        200, asked["Authorization"] == "Bearer value-of-lab" ? "in" : "out"));
  });
  PluginFolder there;
  there.put_signed("test.speaking", "speaking", http_manifest);
  Recorded seen;
  auto instance =
      there.start("test.speaking", {{"api", server.url()}, {"token", "lab"}}, seen.services());
  ASSERT_TRUE(instance) << instance.error().text();
  auto answer = instance->call(request("apply", get(server.url("/v1/x?y=z"), "lab")));
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ((*answer)["bytes"], "in");
  EXPECT_EQ((*answer)["json"]["status"], 200);
  EXPECT_EQ(answer->dump().find("value-of-lab"), std::string::npos);
  ASSERT_EQ(seen.http.size(), 1u);
  EXPECT_EQ(seen.http[0]["url"], server.url("/v1/x?y=..."));
  EXPECT_EQ(seen.http[0].dump().find("value-of-lab"), std::string::npos);
}

TEST(PluginService, gives_no_secret_that_the_configuration_does_not_name) {
  net::HttpServer server(
      [](const net::Request&) { return std::optional(net::HttpServer::answer(200)); });
  PluginFolder there;
  there.put_signed("test.speaking", "speaking", http_manifest);
  Recorded seen;
  auto instance =
      there.start("test.speaking", {{"api", server.url()}, {"token", "lab"}}, seen.services());
  ASSERT_TRUE(instance);
  EXPECT_EQ(code(instance->call(request("apply", get(server.url(), "root-password")))),
            "plugin.service.secret");
  EXPECT_TRUE(seen.asked.empty());
  EXPECT_TRUE(server.requests().empty());
}

TEST(PluginService, reaches_only_the_configured_host) {
  net::HttpServer allowed(
      [](const net::Request&) { return std::optional(net::HttpServer::answer(200)); });
  net::HttpServer other(
      [](const net::Request&) { return std::optional(net::HttpServer::answer(200)); });
  PluginFolder there;
  there.put_signed("test.speaking", "speaking", http_manifest);
  Recorded seen;
  auto instance = there.start("test.speaking", {{"api", allowed.url()}}, seen.services());
  ASSERT_TRUE(instance);
  EXPECT_EQ(code(instance->call(request("apply", get(other.url())))), "net.host.denied");
  EXPECT_TRUE(other.requests().empty());
}

TEST(PluginService, gives_nothing_that_the_manifest_does_not_require) {
  PluginFolder there;
  there.put_signed("test.speaking", "speaking");
  auto instance = there.start("test.speaking");
  ASSERT_TRUE(instance);
  EXPECT_EQ(code(instance->call(request("apply", get("http://127.0.0.1:1/")))), "sdk.service");
  EXPECT_EQ(code(instance->call(request("apply", {{"service", "clock"}}))), "sdk.service");
}

TEST(PluginService, tells_a_plugin_when_nothing_answers) {
  PluginFolder there;
  there.put_signed("test.speaking", "speaking", http_manifest);
  const std::string dead = "http://" + net::dead_host();
  Recorded seen;
  auto instance = there.start("test.speaking", {{"api", dead}}, seen.services());
  ASSERT_TRUE(instance);
  auto answer = instance->call(request("apply", get(dead + "/")));
  ASSERT_FALSE(answer);
  EXPECT_FALSE(seen.http.empty());
  EXPECT_EQ(answer.error().code, "net.connect");
  EXPECT_EQ(answer.error().kind, FailureClass::unavailable);
}

TEST(PluginService, ends_a_silent_request_at_the_deadline_of_the_call) {
  net::HttpServer server([](const net::Request&) { return std::optional<net::Response>(); });
  PluginFolder there;
  there.put_signed("test.speaking", "speaking", http_manifest);
  Recorded seen;
  auto instance = there.start("test.speaking", {{"api", server.url()}}, seen.services());
  ASSERT_TRUE(instance);
  auto silent = request("apply", get(server.url()));
  silent.deadline_ms = system_clock().mono_ms() + 50;
  EXPECT_EQ(code(instance->call(silent)), "net.deadline");
  EXPECT_EQ(code(instance->call(request("plan"))), "ok");
}

TEST(PluginService, takes_secrets_into_the_sink_and_lets_the_sink_say_no) {
  PluginFolder there;
  there.put_signed("test.speaking", "speaking", "requires = [\"hyops.secret_sink/1\"]\n");
  std::string got;
  Services services;
  services.sink = [&](const std::string& name, const std::string& version, Secret value) -> Status {
    if (name == "unwanted") return fail("secret.unknown", "nobody asked for it");
    got = name + "@" + version + "=" + std::string(value.reveal());
    return {};
  };
  auto instance = there.start("test.speaking", Json::object(), std::move(services));
  ASSERT_TRUE(instance);
  EXPECT_EQ(code(instance->call(
                request("apply", {{"service", "sink"}, {"name", "db"}, {"value", "hunter2"}}))),
            "ok");
  EXPECT_EQ(got, "db@7=hunter2");
  EXPECT_EQ(code(instance->call(
                request("apply", {{"service", "sink"}, {"name", "unwanted"}, {"value", "x"}}))),
            "sdk.sink");
}

TEST(PluginService, runs_declared_executables_with_an_empty_environment) {
  PluginFolder there;
  there.put_signed(
      "test.speaking", "speaking",
      "requires = [\"hyops.exec/1\"]\n[exec]\nexecutables = [\"env\", \"cat\", \"false\"]\n");
  Services services;
  services.exec_values = {{"identity_file", "/run/key"}};
  auto instance = there.start("test.speaking", Json::object(), std::move(services));
  ASSERT_TRUE(instance);
  const auto run = [&](const Json& wanted) {
    return instance->call(request("apply", {{"service", "exec"}, {"request", wanted}}));
  };
  auto environment = run({{"argv", {"env"}}});
  ASSERT_TRUE(environment) << environment.error().text();
  const std::string seen = (*environment)["json"]["out"];
  EXPECT_EQ(std::count(seen.begin(), seen.end(), '\n'), 3) << seen;
  auto file = run({{"argv", {"cat", "{known_hosts}"}}, {"files", {{"known_hosts", "host key\n"}}}});
  EXPECT_EQ((*file)["json"]["out"], "host key\n");
  auto path = run({{"argv", {"cat", "{identity_file}"}}});
  EXPECT_NE((*path)["json"]["err"].get<std::string>().find("/run/key"), std::string::npos);
  EXPECT_EQ((*run({{"argv", {"cat"}}, {"in", "typed"}}))["json"]["out"], "typed");
  EXPECT_EQ((*run({{"argv", {"cat"}}}))["json"]["out"], "");
  EXPECT_EQ((*run({{"argv", {"false"}}}))["json"]["code"], 1);
  EXPECT_EQ(code(run({{"argv", {"sh", "-c", "id"}}})), "plugin.exec.denied");
  EXPECT_EQ(code(run({{"argv", {"/bin/cat", "/etc/shadow"}}})), "plugin.exec.denied");
}

TEST(PluginService, gives_a_program_the_secrets_that_the_configuration_names_on_no_disk) {
  PluginFolder there;
  there.put_signed("test.speaking", "speaking",
                   "requires = [\"hyops.exec/1\"]\n[exec]\nexecutables = [\"cat\", \"readlink\"]\n"
                   "[inputs.token]\ntype = \"secret\"\n");
  Services services;
  services.secret = [](const std::string& name) { return Secret("value of " + name); };
  auto instance = there.start("test.speaking", {{"token", "api"}}, std::move(services));
  ASSERT_TRUE(instance);
  const auto run = [&](const char* program, const char* secret) {
    return instance->call(
        request("apply",
                {{"service", "exec"},
                 {"request", {{"argv", {program, "{token}"}}, {"secrets", {{"token", secret}}}}}}));
  };
  EXPECT_EQ((*run("cat", "api"))["json"]["out"], "value of api");
  const auto place = run("readlink", "api");
  EXPECT_EQ((*place)["json"]["out"].get<std::string>().rfind("/memfd:", 0), 0u) << place->dump();
  EXPECT_EQ(code(run("cat", "another")), "plugin.service.secret");
}

TEST(PluginService, keeps_its_programs_from_the_metadata_service_unless_the_pack_declares_it) {
  tests::MetadataService service;
  if (const std::string why = service.start(); !why.empty()) GTEST_SKIP() << why;
  PluginFolder there;
  there.put_signed("test.speaking", "speaking",
                   "requires = [\"hyops.exec/1\"]\n[exec]\nexecutables = [\"bash\"]\n");
  std::vector<std::string> recorded;
  Services services;
  services.exec_record = [&](const Json& line) { recorded.push_back(line["metadata"]); };
  auto instance = there.start("test.speaking", Json::object(), std::move(services));
  ASSERT_TRUE(instance) << instance.error().text();
  const auto ask = [&](process::Metadata metadata) -> std::string {
    const Json wanted{{"argv", {"bash", "-c", tests::ask_for_credentials}}};
    auto call = request("apply", {{"service", "exec"}, {"request", wanted}});
    call.metadata = metadata;
    auto done = instance->call(call);
    if (!done) return done.error().text();
    return (*done)["json"]["out"].get<std::string>() + (*done)["json"]["err"].get<std::string>();
  };
  EXPECT_NE(ask(process::Metadata::refused).find(tests::not_permitted), std::string::npos);
  EXPECT_NE(ask(process::Metadata::declared).find(tests::given), std::string::npos);
  EXPECT_EQ(recorded, (std::vector<std::string>{"refused", "declared"}));
}

}  // namespace
}  // namespace hyops::plugin
