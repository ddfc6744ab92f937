// A tunnel whose path loses every packet for a minute, under a driver that goes on.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <regex>
#include <thread>

#include "engine/drivers/ssh.hpp"
#include "lab/access/access_lab.hpp"

namespace hyops::plugin {
namespace {

// The configuration that a tool of a step gets for this endpoint.
std::string config_of_a_step(const fs::path& folder, const std::string& identity,
                             const Json& endpoint) {
  engine::Setup setup;
  setup.home = folder / "home";
  fs::create_directories(setup.home / "keys");
  fs::copy_file(identity, setup.ssh_identity());
  contract::Module module;
  module.inputs["host"].type = *contract::parse_type("endpoint");
  const plan::Step step;
  const contract::Pack pack;
  const engine::Call call{step, pack, module, {{"host", endpoint}}, "", 1, folder};
  auto written = engine::write_ssh_config(call, setup);
  EXPECT_TRUE(written) << written.error().text();
  return written ? written->string() : "";
}

// What byte `at` of the stream is: every piece of it is like no other.
char byte_at(uint64_t at) { return static_cast<char>((at * 2654435761u) >> 13); }

// Bytes through a driver's ssh and back, until it is told that they are enough.
class Echo {
 public:
  explicit Echo(std::vector<std::string> argv) {
    ::signal(SIGPIPE, SIG_IGN);  // a driver that gave up is something to tell
    int to[2], from[2];
    EXPECT_EQ(::pipe2(to, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(from, O_CLOEXEC), 0);
    const Fd in(to[0]), out(from[1]);
    ours_ = Fd(to[1]);
    theirs_ = Fd(from[0]);
    process::SpawnRequest request;
    request.argv = std::move(argv);
    request.environment = {{"PATH", process::default_path}};
    request.in = in.get();
    request.out = out.get();
    request.err = STDERR_FILENO;
    auto child = process::spawn(request);
    EXPECT_TRUE(child) << child.error().text();
    child_.emplace(std::move(*child));
    writer_ = std::thread([this] { write(); });
    reader_ = std::thread([this] { read(); });
  }

  uint64_t back() const { return back_; }
  bool over() const { return over_; }
  // The driver's exit status, once the last byte was there and back; -1: not all came.
  int end() {
    enough_ = true;
    writer_.join();
    reader_.join();
    auto ended = child_->wait(-1);
    if (!ended || !*ended || wrong_ || back_ != sent_) return -1;
    return (*ended)->signal ? 128 + (*ended)->signal : (*ended)->code;
  }

 private:
  void write() {
    std::string piece(4096, ' ');
    while (!enough_) {
      for (size_t i = 0; i < piece.size(); ++i) piece[i] = byte_at(sent_ + i);
      if (!write_all(ours_.get(), piece)) break;  // the driver is gone
      sent_ += piece.size();
    }
    ours_.reset();
  }
  void read() {
    char piece[65536];
    for (ssize_t got = 0; (got = ::read(theirs_.get(), piece, sizeof piece)) > 0;) {
      for (ssize_t i = 0; i < got; ++i)
        wrong_ = wrong_ || piece[i] != byte_at(back_ + static_cast<uint64_t>(i));
      back_ += static_cast<uint64_t>(got);
    }
    over_ = true;
  }

  Fd ours_, theirs_;
  std::optional<process::Child> child_;
  std::atomic<uint64_t> sent_ = 0, back_ = 0;
  std::atomic<bool> enough_ = false, over_ = false, wrong_ = false;
  std::thread writer_, reader_;
};

class Outage : public AccessLab {
 protected:
  // Every connection of this host that begins now sends again after 20 ms and not after 200.
  void hurry(const std::string& host, const std::string& gateway) const {
    std::vector<std::string> route{"ip",    "route", "change", "default", "via",
                                   gateway, "dev",   "eth0",   "rto_min", "20ms"};
    if (host.empty()) {
      const auto done = run(std::move(route));
      EXPECT_EQ(done.exit.code, 0) << done.err;
      return;
    }
    route.insert(route.begin(), {"exec", host, "--"});
    labd(std::move(route));
  }

  struct Silence {
    int64_t ms = 0;   // since the last byte came
    int backoff = 0;  // how often TCP has doubled its pause since then
  };
  // Of the tunnel's connection, as the kernel counts.
  static Silence silence_towards(const std::string& address) {
    const auto seen = run({"ss", "-tinH", "state", "established", "dst", address});
    Silence silence;
    std::smatch found;
    if (std::regex_search(seen.out, found, std::regex("lastrcv:([0-9]+)")))
      silence.ms = std::stoll(found[1]);
    if (std::regex_search(seen.out, found, std::regex("backoff:([0-9]+)")))
      silence.backoff = std::stoi(found[1]);
    return silence;
  }
};

// A minute at a scale of one to ten. What happens in a real one is up to two clocks: that of TCP,
// which sends again after 200 ms and then after pauses that double, and those of the two ssh (the
// tunnel's and the driver's), which ask every 10 s whether anybody is there. Here both are ten
// times as fast, by the route's rto_min and by the intervals, and everything that is counted
// (retransmissions, unanswered questions) is what the product and the kernel have. So 6 s stand for
// 60: after them TCP tries again within another 6 s, as it would within another 60, and until then
// neither ssh may give up. Bytes are on their way in both directions when the path is lost, which
// is the hardest case: retransmission begins at once.
TEST_F(Outage, of_a_minute_is_not_noticed_by_a_driver_behind_the_tunnel) {
  const auto gateway_of = [&](const char* name) {
    const std::string address = host(name)["address"];
    return address.substr(0, address.rfind('.')) + ".1";
  };
  hurry("", gateway_of("run"));
  hurry("jump", gateway_of("jump"));
  auto access = start(bastion, {{"bastion", host("jump")}, {"keepalive", "1s"}});
  ASSERT_TRUE(access) << access.error().text();
  auto open = call(*access, "open", {{"hosts", Json::array({host("db")})}});
  ASSERT_TRUE(open) << open.error().text();
  const Json endpoint = (*open)["endpoints"][0];
  EXPECT_EQ(get_int(endpoint, "outage_ms"), 60'000);

  Echo driver({"ssh", "-F", config_of_a_step(temp_->path(), identity_, endpoint), "-o",
               "ServerAliveInterval=1", "db", "cat"});
  while (driver.back() < (1u << 20) && !driver.over()) ::sched_yield();
  ASSERT_FALSE(driver.over()) << "the driver never got through";
  labd({"fault", "link-cut", "onprem", "edge"});
  const std::string jump = host("jump")["address"];
  Silence silence;
  while (silence.ms < 6'000 && !driver.over()) silence = silence_towards(jump);
  EXPECT_GE(silence.backoff, 5) << "something was still answered";
  const uint64_t before = driver.back();
  labd({"fault", "link-restore", "onprem", "edge"});
  while (driver.back() < before + (1u << 20) && !driver.over()) ::sched_yield();
  EXPECT_FALSE(driver.over()) << "the driver noticed";
  EXPECT_EQ(driver.end(), 0) << "not every byte came back as it was sent";
}

}  // namespace
}  // namespace hyops::plugin
