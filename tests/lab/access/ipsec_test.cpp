// The overlay as a real IPsec tunnel: two strongSwans, which carry ESP themselves on tun devices,
// for not every kernel has it.
#include "lab/access/access_lab.hpp"

namespace hyops::plugin {
namespace {

constexpr const char* charon = "/usr/lib/ipsec/charon";

class Ipsec : public AccessLab {
 protected:
  void SetUp() override {
    if (!fs::exists(charon) || !fs::exists("/usr/lib/ipsec/libipsec.so.0") ||
        !process::find_executable("swanctl", process::default_path))
      GTEST_SKIP() << "there is no strongSwan on this machine; type: apt-get install "
                      "strongswan-charon strongswan-swanctl libcharon-extra-plugins";
    AccessLab::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    own_run({});
    const std::string run_address = get_string(host("run"), "address");
    far_end_ = get_string(host("db"), "address");
    here_ = begun({charon}, {"swanctl", "--stats"}, settings());
    // A daemon's place is /run, so the second has one more of its own.
    auto words = inside_db();
    words.insert(words.end(), {"unshare", "--mount", "--propagation", "private", "sh", "-c",
                               std::string("mount -t tmpfs none /run && exec ") + charon});
    there_ = begun(words, {"true"}, settings());
    ASSERT_TRUE(here_ && there_);
    there_swanctl_ = {"nsenter", "--target", std::to_string(there_->pid()), "--mount", "--net"};
    while (run(with(there_swanctl_, {"swanctl", "--stats"})).exit.code != 0)
      ASSERT_FALSE(there_->wait(20).value());
    tell({"ip", "address", "add", std::string(here_address) + "/32", "dev", "lo"});
    tell({"ip", "address", "add", std::string(there_address) + "/32", "dev", "lo"}, inside_db());
    tell({"ip", "route", "add", "unreachable", "10.98.0.0/24", "metric", "4096"});
    load({}, "here", run_address, far_end_, here_address, there_address);
    load(there_swanctl_, "there", far_end_, run_address, there_address, here_address);
    tell({"swanctl", "--initiate", "--child", "net", "--timeout", "20"});
  }
  void TearDown() override {
    for (auto* daemon : {&here_, &there_}) end(*daemon);
    AccessLab::TearDown();
  }

  static std::vector<std::string> with(std::vector<std::string> words,
                                       const std::vector<std::string>& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::map<std::string, std::string> settings() const {
    const fs::path file = temp_->path() / "strongswan.conf";
    EXPECT_TRUE(write_file(file,
                           "charon {\n"
                           "  load = random nonce sha1 sha2 hmac aes kdf gmp kernel-libipsec "
                           "kernel-netlink socket-default vici\n"
                           "  install_virtual_ip = no\n"
                           "}\n"));
    return {{"STRONGSWAN_CONF", file.string()}};
  }
  void load(const std::vector<std::string>& where, const std::string& name,
            const std::string& local, const std::string& remote, const std::string& inner,
            const std::string& other) const {
    const fs::path file = temp_->path() / (name + ".conf");
    ASSERT_TRUE(write_file(file, "connections {\n site {\n version = 2\n local_addrs = " + local +
                                     "\n remote_addrs = " + remote +
                                     "\n encap = yes\n proposals = aes128-sha256-modp2048\n"
                                     " local {\n auth = psk\n }\n remote {\n auth = psk\n }\n"
                                     " children {\n net {\n local_ts = " +
                                     inner + "/32\n remote_ts = " + other +
                                     "/32\n esp_proposals = aes128-sha256\n }\n }\n }\n}\n"
                                     "secrets {\n ike {\n secret = \"a test's\"\n }\n}\n"));
    tell({"swanctl", "--load-all", "--file", file.string()}, where);
  }

  std::string far_end_;
  std::vector<std::string> there_swanctl_;
  std::optional<process::Child> here_, there_;
};

// A2: who is at the far end, what it may carry, and that the packets went by it.
TEST_F(Ipsec, is_read_for_its_far_end_and_its_networks) {
  Json db = host("db");
  db["address"] = there_address;
  const Json hosts = Json::array({db});
  const Json config{
      {"interface", "ipsec0"}, {"peer", far_end_}, {"patience", "0s"}, {"connect_timeout", "5s"}};
  EXPECT_EQ(opened(overlay, config, hosts), "ok") << log_;
  EXPECT_NE(log_.find("overlay ipsec0 (ipsec, far end " + far_end_ + ") carried "),
            std::string::npos)
      << log_;

  Json wrong = config;
  wrong["peer"] = far_end_.substr(0, far_end_.size() - 1);
  EXPECT_EQ(opened(overlay, wrong, hosts), "access.overlay.peer") << "its address only begins so";
  db["address"] = "10.98.0.3";
  tell({"ip", "route", "add", "10.98.0.3", "dev", "ipsec0"});
  EXPECT_EQ(opened(overlay, config, Json::array({db})), "access.overlay.peer")
      << "it may not carry it";
  tell({"swanctl", "--terminate", "--ike", "site", "--timeout", "20"});
  EXPECT_EQ(opened(overlay, config, hosts), "access.overlay.peer") << "nothing is installed";
}

}  // namespace
}  // namespace hyops::plugin
