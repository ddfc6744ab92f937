// A lab with a runner's place onprem, a jump host at the edge and a database in the cloud; this
// process stands in the runner's network.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <csignal>

#include "base/file.hpp"
#include "base/ids.hpp"
#include "plugin/check/check.hpp"
#include "plugin/instance.hpp"
#include "plugin/stream_service.hpp"
#include "process/spawn.hpp"

namespace hyops::plugin {

namespace fs = std::filesystem;

inline constexpr const char* bastion = "hyops.access.bastion-explicit";
inline constexpr const char* overlay = "hyops.access.private-overlay";
inline constexpr const char* direct = "hyops.access.runner-local";

// Inside of a tunnel: this process's place, and the database's.
inline constexpr const char* here_address = "10.98.0.1";
inline constexpr const char* there_address = "10.98.0.2";

template <class T>
std::string code(const Result<T>& result) {
  return result ? "ok" : result.error().code;
}

inline process::Output run(std::vector<std::string> argv, int64_t timeout_ms = 60'000) {
  process::SpawnRequest request;
  request.argv = std::move(argv);
  request.environment = {{"PATH", process::default_path}, {"LANG", "C.UTF-8"}, {"HOME", "/root"}};
  auto done = process::run(request, timeout_ms);
  EXPECT_TRUE(done) << done.error().text();
  return done ? *done : process::Output{{255, 0}, "", ""};
}

class AccessLab : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "the lab needs root; type: sudo ctest -L lab";
    temp_.emplace(*TempDir::create(fs::temp_directory_path()));
    name_ = "al" + random_token(3);
    identity_ = (temp_->path() / "id").string();
    run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", identity_});
    labd({"up", "--name", name_, "--with", std::to_string(::getpid())});
    for (const auto& [zone, host] : {std::pair{"onprem", "run"}, {"edge", "jump"}, {"cloud", "db"}})
      labd({"place", "--zone", zone, "--name", host, "--image", "debian", "--authorized-key",
            identity_ + ".pub"});
    state_ = *parse_json(*read_file(fs::path(dir()) / "state.json"), "the lab's state");
    outside_ = Fd(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    const auto pid = state_["hosts"]["run"]["process"]["pid"].get<int>();
    const Fd inside(
        ::open(("/proc/" + std::to_string(pid) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(inside) << "no namespace of the runner's place";
    ASSERT_EQ(::setns(inside.get(), CLONE_NEWNET), 0);
  }

  void TearDown() override {
    if (!temp_) return;
    (void)streams().close_all();
    if (outside_) {
      ASSERT_EQ(::setns(outside_.get(), CLONE_NEWNET), 0);
    }
    labd({"down"});
  }

  std::string dir() const { return (temp_->path() / "lab").string(); }
  std::string labd(std::vector<std::string> argv) const {
    argv.insert(argv.begin() + 1, {"--dir", dir()});
    argv.insert(argv.begin(), HYOPS_BUILD_DIR "/libexec/hyops/hyops-labd");
    const auto done = run(std::move(argv));
    EXPECT_EQ(done.exit.code, 0) << done.err;
    return done.out;
  }
  // A command in the lab's router.
  void route(std::vector<std::string> argv) const {
    argv.insert(argv.begin(), {"ip", "netns", "exec", name_ + "-router"});
    const auto done = run(std::move(argv));
    EXPECT_EQ(done.exit.code, 0) << done.err;
  }

  Json host(const std::string& name) const {
    const Json& known = state_["hosts"][name];
    return {{"name", name},
            {"zone", known["zone"]},
            {"address", known["address"]},
            {"user", "root"},
            {"port", 22},
            {"host_key", known["host_key"]},
            {"placement", "a test"}};
  }

  Streams streams() const {
    return Streams({HYOPS_BUILD_DIR "/libexec/hyops/hyops-step-host",
                    HYOPS_BUILD_DIR "/libexec/hyops/hyops-stream-host", temp_->path() / "streams"},
                   {});
  }
  Result<Instance> start(const std::string& id, const Json& config) {
    auto registry = Registry::open(standard_sources(HYOPS_BUILD_DIR, temp_->path()));
    if (!registry) return pass(registry);
    Services services;
    services.exec_values = {{"identity_file", identity_}};
    services.log = [this](std::string_view, const std::string& line) { log_ += line + "\n"; };
    services.streams = {HYOPS_BUILD_DIR "/libexec/hyops/hyops-step-host",
                        HYOPS_BUILD_DIR "/libexec/hyops/hyops-stream-host",
                        temp_->path() / "streams"};
    return Instance::start(*registry, id, config, std::move(services));
  }
  Result<Json> call(Instance& instance, const std::string& verb, const Json& input,
                    const std::string& key = "run-1/access/1") {
    CallRequest request;
    request.interface = "hyops.access/1";
    request.verb = verb;
    request.input = input;
    request.key = key;
    request.lane = "drill";
    return instance.call(request);
  }
  std::string opened(const std::string& id, const Json& config, const Json& hosts) {
    auto plugin = start(id, config);
    return plugin ? code(call(*plugin, "open", {{"hosts", hosts}}, random_token()))
                  : plugin.error().code;
  }

  // What a driver does with an endpoint.
  process::Output ssh(const Json& endpoint, const std::string& command) const {
    const auto known_hosts = temp_->path() / "known_hosts";
    EXPECT_TRUE(write_file(known_hosts, "[" + get_string(endpoint, "address") +
                                            "]:" + std::to_string(get_int(endpoint, "port")) + " " +
                                            get_string(endpoint, "host_key") + "\n"));
    return run({"ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o",
                "UserKnownHostsFile=" + known_hosts.string(), "-o", "ConnectTimeout=75", "-i",
                identity_, "-p", std::to_string(get_int(endpoint, "port")), "-l",
                get_string(endpoint, "user"), get_string(endpoint, "address"), command},
               120'000);
  }
  std::string drive(const Json& endpoint, const std::string& command) const {
    const auto done = ssh(endpoint, command);
    EXPECT_EQ(done.exit.code, 0) << done.err;
    return done.out;
  }

  void check(const std::string& id, const Json& config, const Json& hosts) {
    std::string toml;
    for (const auto& [key, value] : config.items()) {
      if (!value.is_object()) {
        toml += "config." + key + " = " + value.dump() + "\n";
        continue;
      }
      for (const auto& [member, inner] : value.items())
        toml += "config." + key + "." + member + " = " + inner.dump() + "\n";
    }
    ASSERT_TRUE(write_file(temp_->path() / "check.toml", toml));
    auto subject = check::read_subject(fs::path(HYOPS_BUILD_DIR) / "lib/hyops/plugins" / id,
                                       temp_->path() / "check.toml",
                                       HYOPS_BUILD_DIR "/libexec/hyops/hyops-plugin-host");
    ASSERT_TRUE(subject) << subject.error().text();
    subject->exec_values = {{"identity_file", identity_}};
    subject->inputs["hyops.access/1"] = {{"hosts", hosts}};
    auto report = check::run(std::move(*subject), {});
    ASSERT_TRUE(report) << report.error().text();
    for (const auto& verdict : report->verdicts)
      EXPECT_NE(check::name(verdict.outcome), "failed")
          << id << " " << verdict.check << ": " << verdict.reason;
  }

  // Tunnels leave their sockets in /run, and the machine's is nobody's business: this process gets
  // one of its own with these folders, and the names of network namespaces with it.
  void own_run(std::vector<std::string> folders) {
    const fs::path own = temp_->path() / "run";
    fs::create_directories(own);
    ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    ASSERT_EQ(::mount("none", own.c_str(), "tmpfs", 0, "mode=755"), 0);
    folders.emplace_back("netns");
    for (const auto& folder : folders) fs::create_directories(own / folder);
    ASSERT_EQ(::mount("/run/netns", (own / "netns").c_str(), nullptr, MS_MOVE, nullptr), 0);
    ASSERT_EQ(::mount(own.c_str(), "/run", nullptr, MS_MOVE, nullptr), 0);
  }
  std::vector<std::string> inside_db() const {
    const auto pid = state_["hosts"]["db"]["process"]["pid"].get<int>();
    return {"nsenter", "--net=/proc/" + std::to_string(pid) + "/ns/net"};
  }
  static void tell(std::vector<std::string> words, std::vector<std::string> where = {}) {
    where.insert(where.end(), words.begin(), words.end());
    const auto done = run(std::move(where));
    EXPECT_EQ(done.exit.code, 0) << done.out << done.err;
  }
  // A process that does not outlive this one, once `answers` ends well.
  static std::optional<process::Child> begun(std::vector<std::string> argv,
                                             const std::vector<std::string>& answers,
                                             std::map<std::string, std::string> environment = {}) {
    process::SpawnRequest request;
    request.argv = {"setpriv", "--pdeathsig", "KILL"};
    request.argv.insert(request.argv.end(), argv.begin(), argv.end());
    request.environment = std::move(environment);
    request.environment["PATH"] = process::default_path;
    auto child = process::spawn(request);
    EXPECT_TRUE(child) << child.error().text();
    if (!child) return std::nullopt;
    while (run(answers).exit.code != 0) {
      auto ended = child->wait(20);
      EXPECT_TRUE(ended && !*ended) << argv.back() << " ended";
      if (!ended || *ended) return std::nullopt;
    }
    return std::move(*child);
  }
  static void end(std::optional<process::Child>& child) {
    if (!child) return;
    (void)child->signal(SIGTERM);
    (void)child->wait(-1);
  }

  std::optional<TempDir> temp_;
  std::string name_, identity_, log_;
  Json state_;
  Fd outside_;
};

}  // namespace hyops::plugin
