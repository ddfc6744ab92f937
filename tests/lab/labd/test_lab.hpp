// A real lab of a test's own: brought up in a directory under a name nobody else has, taken down at
// the end.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "admin_client.hpp"
#include "files.hpp"
#include "router.hpp"
#include "state.hpp"
#include "subprocess.hpp"

namespace hyops::labd {

class NeedsRoot : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "the lab needs root; type: sudo ctest -L lab";
  }
};

inline const std::string labd_path = HYOPS_BUILD_DIR "/libexec/hyops/hyops-labd";

class TestLab {
 public:
  // `more`: words of `hyops-labd up`.
  explicit TestLab(std::vector<std::string> more = {}, pid_t with = getpid())
      : more_(std::move(more)),
        with_(with),
        name_("lt" + random_hex(4)),
        client_(LabPaths{fs::temp_directory_path() / ("labd-" + name_)}) {
    paths_.dir = fs::temp_directory_path() / ("labd-" + name_);
    up();
  }
  TestLab(const TestLab&) = delete;
  TestLab& operator=(const TestLab&) = delete;
  ~TestLab() {
    const auto gone = labd({"down"});
    EXPECT_TRUE(gone) << (gone ? "" : gone.error().message);
  }

  void up() {
    std::vector<std::string> words{"up", "--name", name_, "--with", std::to_string(with_)};
    words.insert(words.end(), more_.begin(), more_.end());
    const auto done = labd(words);
    ASSERT_TRUE(done) << done.error().message;
  }

  Result<std::string> labd(std::vector<std::string> words, std::string_view input = {}) const {
    words.insert(words.begin(), labd_path);
    words.insert(words.begin() + 2, {"--dir", paths_.dir.string()});
    return run(words, input);
  }

  // Runs inside a host; a failure is an exit code other than 0.
  Result<std::string> inside(const std::string& host, std::vector<std::string> argv,
                             std::string_view input = {}) const {
    argv.insert(argv.begin(), {"exec", host, "--"});
    return labd(argv, input);
  }

  Json place(const std::string& zone, const std::string& name,
             const Json& more = Json::object()) const {
    Json body{{"zone", zone}, {"name", name}, {"image", "debian"}};
    body.update(more);
    auto answer = client_.request("POST", "/v1/hosts", body, "test-" + name);
    EXPECT_TRUE(answer) << answer.error().message;
    auto host = client_.wait((*answer)["operation"]["id"]);
    EXPECT_TRUE(host) << host.error().message;
    return host.value_or(Json());
  }

  // Its control groups by the machine's own account; empty where this machine makes none of
  // version 2.
  fs::path groups() const {
    for (const fs::path top : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"})
      if (fs::exists(top / "cgroup.procs") && access(top.c_str(), W_OK) == 0)
        return top / ("hyops.lab." + name_);
    return {};
  }

  Json get(const std::string& target) const {
    auto answer = client_.request("GET", target);
    EXPECT_TRUE(answer) << answer.error().message;
    return answer.value_or(Json());
  }

  // True if an HTTP request from inside the host got an answer, within a second.
  bool reaches(const std::string& host, const std::string& url) const {
    return inside(host, {"curl", "-s", "-o", "/dev/null", "--max-time", "1", url}).has_value();
  }
  // What became of one TCP handshake from inside the host, or from "outside".
  std::string probe(const std::string& from, const std::string& to, int port) const {
    auto answer = client_.request("POST", "/v1/probes",
                                  {{"probes", {{{"from", from}, {"to", to}, {"port", port}}}}});
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? (*answer)["probes"][0].value("result", "") : "";
  }
  bool pings(const std::string& host, const std::string& address) const {
    return inside(host, {"ping", "-c", "1", "-W", "1", address}).has_value();
  }

  // A request from inside a host to a zone's API with that zone's token: status and body.
  std::pair<int, Json> api(const std::string& host, const std::string& zone,
                           const std::string& method, const std::string& target,
                           const Json& body = nullptr,
                           const std::vector<std::string>& headers = {}) const {
    std::string config = "header = \"Authorization: Bearer " + token(zone) + "\"\n";
    for (const auto& header : headers) config += "header = \"" + header + "\"\n";
    std::vector<std::string> argv{"curl", "-s", "--max-time", "5",  "-K",
                                  "-",    "-X", method,       "-w", "%{http_code}"};
    if (!body.is_null()) argv.insert(argv.end(), {"--data-binary", body.dump()});
    argv.push_back("http://" + std::string((*find_zone(zone))->gateway) + ":7077" + target);
    const auto text = inside(host, argv, config);
    EXPECT_TRUE(text) << text.error().message;
    if (!text || text->size() < 3) return {0, Json()};
    return {std::stoi(text->substr(text->size() - 3)),
            Json::parse(text->substr(0, text->size() - 3), nullptr, false)};
  }

  std::string token(const std::string& zone) const {
    auto text = read_file(paths_.token(zone)).value_or("");
    return text.substr(0, text.find('\n'));
  }

  State state() const { return load_state(paths_).value_or(State{}); }
  const AdminClient& client() const { return client_; }
  const LabPaths& paths() const { return paths_; }
  std::string router() const { return router_name(name_); }

 private:
  std::vector<std::string> more_;
  pid_t with_;
  std::string name_;
  LabPaths paths_;
  AdminClient client_;
};

}  // namespace hyops::labd
