// Local endpoints that the core keeps for plugins: found again, dialled again, closed, and gone.
#include "plugin/stream_service.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/digest.hpp"
#include "process/pidfd.hpp"
#include "process/step_host.hpp"
#include "support/metadata_service.hpp"
#include "unit/plugin/plugin_folder.hpp"

namespace hyops::plugin {
namespace {

namespace fs = std::filesystem;

// A client of an endpoint: what it gets back within a patient while.
class Client {
 public:
  explicit Client(int64_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<uint16_t>(port));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected = ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
  }
  void say(std::string_view words) const {
    EXPECT_EQ(::send(fd_.get(), words.data(), words.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(words.size()));
  }
  void end() const { ::shutdown(fd_.get(), SHUT_WR); }
  // As many bytes as asked for; fewer where the other side ended before.
  std::string hear(size_t most) const {
    std::string heard;
    char buffer[65536];
    pollfd ready{fd_.get(), POLLIN, 0};
    while (heard.size() < most && ::poll(&ready, 1, 60'000) > 0) {
      const ssize_t got =
          ::recv(fd_.get(), buffer, std::min(sizeof buffer, most - heard.size()), 0);
      if (got <= 0) break;
      heard.append(buffer, static_cast<size_t>(got));
    }
    return heard;
  }
  bool connected = false;

 private:
  Fd fd_;
};

// Processes that have something of this folder open, in their arguments or in their environment.
std::vector<std::string> processes_in(const fs::path& folder) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string pid = entry.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos ||
        pid == std::to_string(::getpid()))
      continue;
    std::string all;
    for (const char* file : {"cmdline", "environ"})
      if (auto text = read_file(entry.path() / file)) all += *text;
    std::error_code gone;
    for (fs::directory_iterator fd(entry.path() / "fd", gone), end; !gone && fd != end;
         fd.increment(gone))
      all += fs::read_symlink(fd->path(), gone).string() + "\n";
    if (all.find(folder.string()) != std::string::npos) found.push_back(pid);
  }
  return found;
}

// Those of them that do not end. A host has told how its tool ended shortly before it ends itself.
std::vector<std::string> left_in(const fs::path& folder) {
  std::vector<std::string> left;
  for (const auto& pid : processes_in(folder)) {
    const Fd process(::pidfd_open(std::stoi(pid), 0));
    pollfd end{process.get(), POLLIN, 0};
    if (process && ::poll(&end, 1, 10'000) != 1) left.push_back(pid);
  }
  return left;
}

class Stream : public ::testing::Test {
 protected:
  Stream() : temp_(*TempDir::create(fs::temp_directory_path())) {
    manifest_.id = "test.stream";
    manifest_.executables = {"cat", "sh"};
    manifest_.folder = temp_.path();
  }
  ~Stream() override { (void)streams().close_all(); }

  Streams streams() {
    return Streams(
        {HYOPS_BUILD_DIR "/libexec/hyops/hyops-step-host",
         HYOPS_BUILD_DIR "/libexec/hyops/hyops-stream-host", temp_.path() / "streams"},
        [](const std::string& name) -> Result<Secret> { return Secret("value-of-" + name); });
  }
  Result<Json> open(Json request, const std::string& key = "key-1") {
    return streams().open(key, "db-1", request, Programs(manifest_), Json::object());
  }
  // A program of the plugin's own folder, as if it had been signed.
  fs::path ship(const std::string& script) {
    const fs::path file = temp_.path() / "dial";
    EXPECT_TRUE(write_file(file, script, 0700));
    manifest_.shipped = {"dial"};
    manifest_.files["dial"] = sha256_hex(script);
    return file;
  }
  pid_t keeper(const std::string& key = "key-1") const {
    const auto folder = temp_.path() / "streams" / sha256_hex(key + "\ndb-1").substr(0, 16);
    const auto starts = get_int(*parse_json(*read_file(folder / "stream.json"), "it"), "starts");
    const auto seen = process::observe_tool(folder / std::to_string(starts));
    return seen && seen->host ? seen->host->pid : 0;
  }
  static void wait_for_end(pid_t pid) {
    const Fd process(::pidfd_open(pid, 0));
    pollfd ended{process.get(), POLLIN, 0};
    EXPECT_TRUE(!process || ::poll(&ended, 1, 60'000) == 1);
  }

  TempDir temp_;
  Manifest manifest_;
};

const Json echo{{"argv", {"cat"}}};

TEST_F(Stream, carries_each_connection_by_a_program_of_its_own) {
  auto opened = open(echo);
  ASSERT_TRUE(opened) << opened.error().text();
  EXPECT_EQ((*opened)["address"], "127.0.0.1");
  const int64_t port = get_int(*opened, "port");
  EXPECT_GT(get_int(*opened, "expires_ms"), system_clock().wall_ms());
  Client one(port), two(port);
  one.say("one");
  two.say("two");
  EXPECT_EQ(two.hear(3), "two");
  EXPECT_EQ(one.hear(3), "one");
  const std::string much(4u << 20, 'x');
  std::thread sends([&] {
    one.say(much);
    one.end();
  });
  EXPECT_TRUE(one.hear(much.size() + 1) == much) << "not what was sent, or no end";
  sends.join();
}

TEST_F(Stream, is_the_same_for_the_same_key_and_closed_for_good) {
  auto first = open(echo), again = open(echo), other = open(echo, "key-2");
  ASSERT_TRUE(first && again && other);
  EXPECT_EQ(*again, *first);
  EXPECT_NE((*other)["port"], (*first)["port"]);
  EXPECT_EQ((*streams().observe("key-1", "db-1"))["present"], true);
  EXPECT_EQ((*streams().observe("key-3", "db-1"))["present"], false);
  Client inside(get_int(*first, "port"));
  inside.say("here");
  EXPECT_EQ(inside.hear(4), "here");
  EXPECT_FALSE(processes_in(temp_.path()).empty());
  EXPECT_TRUE(streams().close("key-1", "db-1"));
  EXPECT_TRUE(streams().close("key-1", "db-1"));
  EXPECT_EQ(inside.hear(1), "") << "a connection outlived its endpoint";
  EXPECT_FALSE(Client(get_int(*first, "port")).connected);
  EXPECT_TRUE(Client(get_int(*other, "port")).connected);
  EXPECT_TRUE(streams().close_all());
  EXPECT_EQ(left_in(temp_.path()), std::vector<std::string>{});
  EXPECT_TRUE(streams().revive());
  EXPECT_FALSE(Client(get_int(*first, "port")).connected) << "what was closed came back";
}

TEST_F(Stream, outlives_the_core_with_its_connections) {
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  const pid_t core = ::fork();
  if (core == 0) {
    const auto opened = open(echo);
    const int64_t port = opened ? get_int(*opened, "port") : 0;
    if (::write(told[1], &port, sizeof port) != sizeof port) ::_exit(1);
    for (;;) ::pause();
  }
  int64_t port = 0;
  ASSERT_EQ(::read(told[0], &port, sizeof port), static_cast<ssize_t>(sizeof port));
  Client inside(port);
  inside.say("before");
  EXPECT_EQ(inside.hear(6), "before");
  ::kill(core, SIGKILL);
  ASSERT_EQ(::waitpid(core, nullptr, 0), core);
  inside.say("after");
  EXPECT_EQ(inside.hear(5), "after");
  EXPECT_EQ((*streams().observe("key-1", "db-1"))["port"], port);
  EXPECT_EQ((*open(echo))["port"], port) << "a new core finds it";
  ::close(told[0]);
  ::close(told[1]);
}

TEST_F(Stream, comes_back_at_the_same_port_when_its_keeper_was_killed) {
  auto opened = open(echo);
  ASSERT_TRUE(opened);
  const pid_t host = keeper();
  ASSERT_GT(host, 0);
  ::kill(host, SIGKILL);
  wait_for_end(host);
  while (Client(get_int(*opened, "port")).connected) ::sched_yield();  // its watcher ends the rest
  ASSERT_TRUE(streams().revive());
  Client inside(get_int(*opened, "port"));
  inside.say("again");
  EXPECT_EQ(inside.hear(5), "again");
}

TEST_F(Stream, ends_itself_at_its_expiry) {
  Json brief = echo;
  brief["lifetime_ms"] = 1;  // at least a second
  auto opened = open(brief);
  ASSERT_TRUE(opened);
  Client inside(get_int(*opened, "port"));
  inside.say("here");
  EXPECT_EQ(inside.hear(4), "here");
  EXPECT_EQ(inside.hear(1), "");
  wait_for_end(keeper());
  EXPECT_EQ((*streams().observe("key-1", "db-1"))["present"], false);
  EXPECT_TRUE(streams().revive());
  EXPECT_FALSE(Client(get_int(*opened, "port")).connected);
}

TEST_F(Stream, dials_again_for_who_connected_while_the_way_was_broken) {
  ship("#!/bin/sh\n[ -e \"$1\" ] || { echo x >> \"$1.tries\"; exit 1; }\nexec cat\n");
  const std::string up = (temp_.path() / "up").string();
  auto opened = open({{"argv", {"dial", up}}, {"patience_ms", 120'000}});
  ASSERT_TRUE(opened) << opened.error().text();
  Client inside(get_int(*opened, "port"));
  inside.say("said during the outage");
  while (read_file(up + ".tries").value_or("").size() < 4) ::sched_yield();
  ASSERT_TRUE(write_file(up, ""));
  EXPECT_EQ(inside.hear(22), "said during the outage");
}

TEST_F(Stream, gives_up_when_its_patience_is_over) {
  ship("#!/bin/sh\nexit 1\n");
  auto opened = open({{"argv", {"dial"}}, {"patience_ms", 150}});
  ASSERT_TRUE(opened);
  Client inside(get_int(*opened, "port"));
  inside.say("anybody?");
  EXPECT_EQ(inside.hear(1), "");
}

TEST_F(Stream, runs_what_was_signed_and_nothing_else) {
  const fs::path file = ship("#!/bin/sh\nexec cat\n");
  auto opened = open({{"argv", {"dial"}}});
  ASSERT_TRUE(opened) << opened.error().text();
  ASSERT_TRUE(write_file(file, "#!/bin/sh\necho another program\n", 0700));
  Client inside(get_int(*opened, "port"));
  inside.say("same");
  EXPECT_EQ(inside.hear(4), "same") << "the file was changed after it was checked";
  EXPECT_EQ(code(open({{"argv", {"dial"}}}, "key-2")), "stream.start");
  EXPECT_EQ(code(open({{"argv", {"env"}}})), "plugin.exec.denied");
  EXPECT_EQ(code(open({{"argv", {"/bin/cat"}}})), "plugin.exec.denied");
  EXPECT_EQ(code(open({{"argv", "cat"}})), "plugin.service.request");
}

TEST_F(Stream, hands_a_secret_to_its_program_and_to_no_disk) {
  if (::geteuid() != 0) GTEST_SKIP() << "a tmpfs of its own needs root here";
  auto opened = open({{"argv", {"cat", "{token}"}}, {"secrets", {{"token", "relay"}}}});
  ASSERT_TRUE(opened) << opened.error().text();
  EXPECT_EQ(Client(get_int(*opened, "port")).hear(100), "value-of-relay");
  for (const auto& entry : fs::recursive_directory_iterator(temp_.path())) {
    const auto text = entry.is_regular_file() ? read_file(entry.path()) : std::string();
    EXPECT_EQ(text->find("value-of-relay"), std::string::npos) << entry.path();
  }
}

TEST_F(Stream, is_a_service_that_a_plugin_asks_for) {
  PluginFolder there;
  there.put_signed("test.speaking", "speaking",
                   "requires = [\"hyops.stream/1\"]\n[exec]\nexecutables = [\"cat\"]\n"
                   "[inputs.token]\ntype = \"secret\"\n");
  Services services;
  services.streams = {HYOPS_BUILD_DIR "/libexec/hyops/hyops-step-host",
                      HYOPS_BUILD_DIR "/libexec/hyops/hyops-stream-host", temp_.path() / "streams"};
  auto plugin = there.start("test.speaking", {{"token", "mine"}}, services);
  ASSERT_TRUE(plugin) << plugin.error().text();
  const auto ask = [&](const char* verb, Json wanted) {
    wanted["name"] = "db-1";
    return plugin->call(
        request("apply", {{"service", "stream"}, {"verb", verb}, {"request", wanted}}));
  };
  auto opened = ask("open", echo);
  ASSERT_TRUE(opened) << opened.error().text();
  Client inside(get_int((*opened)["json"], "port"));
  inside.say("through");
  EXPECT_EQ(inside.hear(7), "through");
  EXPECT_EQ((*ask("observe", Json::object()))["json"]["present"], true);
  EXPECT_EQ((*streams().observe("key-1", "db-1"))["present"], true) << "it is kept under the key";
  EXPECT_EQ(code(ask("open", {{"argv", {"cat"}}, {"secrets", {{"x", "of-another"}}}})),
            "plugin.service.secret");
  EXPECT_EQ(code(ask("close", Json::object())), "ok");
  EXPECT_EQ((*ask("observe", Json::object()))["json"]["present"], false);
  auto without = there.start("test.speaking");
  EXPECT_EQ(code(without->call(
                request("apply", {{"service", "stream"}, {"verb", "open"}, {"request", echo}}))),
            "plugin.service.refused");
}

TEST_F(Stream, keeps_its_programs_from_the_metadata_service_unless_the_pack_declares_it) {
  tests::MetadataService service;
  if (const std::string why = service.start(); !why.empty()) GTEST_SKIP() << why;
  manifest_.executables = {"bash"};
  const Json wanted{{"argv", {"bash", "-c", tests::ask_for_credentials}}};
  const auto ask = [&](const std::string& key, process::Metadata metadata) -> std::string {
    auto endpoint =
        streams().open(key, "db-1", wanted, Programs(manifest_), Json::object(), metadata);
    if (!endpoint) return endpoint.error().text();
    EXPECT_EQ(streams().metadata(key, "db-1"), (Json{{"metadata", process::name(metadata)}}));
    return Client(get_int(*endpoint, "port")).hear(4096);
  };
  EXPECT_NE(ask("key-1", process::Metadata::refused).find(tests::not_permitted), std::string::npos);
  EXPECT_NE(ask("key-2", process::Metadata::declared).find(tests::given), std::string::npos);
}

}  // namespace
}  // namespace hyops::plugin
