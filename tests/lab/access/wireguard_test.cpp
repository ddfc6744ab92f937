// The overlay as a real WireGuard tunnel, where this machine has one: the kernel's or, on a tun
// device, wireguard-go's.
#include "lab/access/access_lab.hpp"

namespace hyops::plugin {
namespace {

class WireGuard : public AccessLab {
 protected:
  void SetUp() override {
    for (const char* tool : {"wg", "wireguard-go"})
      if (!process::find_executable(tool, process::default_path))
        GTEST_SKIP() << "there is no " << tool
                     << " on this machine; type: apt-get install wireguard-tools wireguard-go";
    AccessLab::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    own_run({"wireguard"});
    here_ = "w" + random_token(3);
    there_ = "w" + random_token(3);
    tunnel_here_ = begin({}, here_);
    tunnel_there_ = begin(inside_db(), there_);
    for (const auto& name : {here_, there_}) keys_[name] = made_key(name);
    connect({}, here_, here_address, there_, there_address, host("db")["address"]);
    connect(inside_db(), there_, there_address, here_, here_address, host("run")["address"]);
    tell({"ip", "route", "add", "unreachable", "10.98.0.0/24", "metric", "4096"});
  }
  void TearDown() override {
    for (auto* tunnel : {&tunnel_here_, &tunnel_there_}) end(*tunnel);
    AccessLab::TearDown();
  }

  // A tunnel's process.
  std::optional<process::Child> begin(std::vector<std::string> where, const std::string& name) {
    for (const std::string& word : {std::string("wireguard-go"), std::string("-f"), name})
      where.push_back(word);
    return begun(std::move(where), {"wg", "show", name});
  }

  // The public key of a private one that stays in the test's folder.
  std::string made_key(const std::string& name) const {
    const std::string file = private_key(name);
    const auto done = run({"sh", "-c", "umask 077; wg genkey > " + file + "; wg pubkey < " + file});
    EXPECT_EQ(done.exit.code, 0) << done.err;
    return done.out.substr(0, done.out.find('\n'));
  }
  std::string private_key(const std::string& name) const {
    return (temp_->path() / (name + ".key")).string();
  }

  void connect(const std::vector<std::string>& where, const std::string& name,
               const std::string& address, const std::string& peer, const std::string& allowed,
               const std::string& endpoint) {
    tell({"wg", "set", name, "private-key", private_key(name), "listen-port", "51820", "peer",
          keys_[peer], "allowed-ips", allowed + "/32", "endpoint", endpoint + ":51820"});
    tell({"ip", "address", "add", address + "/24", "dev", name}, where);
    tell({"ip", "link", "set", name, "up"}, where);
  }

  std::string here_, there_;
  std::map<std::string, std::string> keys_;  // public
  std::optional<process::Child> tunnel_here_, tunnel_there_;
};

// A2: whose key is at the far end, what it may carry, that it has just proven itself, and that the
// packets went by it.
TEST_F(WireGuard, is_read_for_its_peer_its_networks_and_its_handshake) {
  Json db = host("db");
  db["address"] = there_address;
  const Json hosts = Json::array({db});
  const Json config{
      {"interface", here_}, {"peer", keys_[there_]}, {"patience", "0s"}, {"connect_timeout", "5s"}};
  EXPECT_NE(run({"wg", "show", here_, "latest-handshakes"}).out.find("\t0"), std::string::npos)
      << "it was idle until now, and that speaks against no tunnel";
  EXPECT_EQ(opened(overlay, config, hosts), "ok");
  const std::string far = "overlay " + here_ + " (wireguard, far end " + keys_[there_] + " at " +
                          get_string(host("db"), "address") + ":51820, last handshake ";
  EXPECT_NE(log_.find(far), std::string::npos) << log_;

  Json wrong = config;
  wrong["peer"] = keys_[here_];
  EXPECT_EQ(opened(overlay, wrong, hosts), "access.overlay.peer") << "another key";
  tell({"wg", "set", here_, "peer", keys_[there_], "allowed-ips", "10.98.0.9/32"});
  EXPECT_EQ(opened(overlay, config, hosts), "access.overlay.peer") << "it may not carry it";
  tell({"wg", "set", here_, "peer", keys_[there_], "allowed-ips",
        std::string(there_address) + "/32"});
  EXPECT_EQ(opened(overlay, config, hosts), "ok");

  // Somebody else answers at the far end's address, with a key of his own.
  made_key(there_);
  tell({"wg", "set", there_, "private-key", private_key(there_)});
  Json brief = config;
  brief["connect_timeout"] = "1s";
  tell({"wg", "set", here_, "peer", keys_[there_], "remove"});
  tell({"wg", "set", here_, "peer", keys_[there_], "allowed-ips",
        std::string(there_address) + "/32", "endpoint",
        get_string(host("db"), "address") + ":51820"});
  EXPECT_EQ(opened(overlay, brief, hosts), "access.route");
}

}  // namespace
}  // namespace hyops::plugin
