// No tool reaches the metadata service, by no socket call and from no child of it, unless that was
// declared (K7). The packets are real; the network is this test's own.
#include <netinet/in.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

#include "process/fork_exec.hpp"
#include "process/step_files.hpp"
#include "support/metadata_service.hpp"
#include "unit/process/step.hpp"

namespace hyops::process {
namespace {

enum class By { connecting, sending };

// As a program would: 0, or why not. An IPv4 address is also tried through an IPv6 socket where it
// is written as one ("::ffff:...").
int try_to_reach(const char* address, int port, int type, By by, int protocol) {
  sockaddr_in6 six{};
  sockaddr_in four{};
  six.sin6_port = four.sin_port = htons(static_cast<uint16_t>(port));
  six.sin6_family = AF_INET6;
  four.sin_family = AF_INET;
  const bool is_six = ::inet_pton(AF_INET6, address, &six.sin6_addr) == 1;
  if (!is_six && ::inet_pton(AF_INET, address, &four.sin_addr) != 1) return EINVAL;
  const auto* to =
      is_six ? reinterpret_cast<const sockaddr*>(&six) : reinterpret_cast<const sockaddr*>(&four);
  const socklen_t size = is_six ? sizeof six : sizeof four;
  const Fd fd(::socket(is_six ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, protocol));
  if (!fd && protocol != 0) return EPROTONOSUPPORT;
  if (by == By::connecting) return ::connect(fd.get(), to, size) == 0 ? 0 : errno;
  const int flags = MSG_NOSIGNAL | (type == SOCK_STREAM ? MSG_FASTOPEN : 0);
  return ::sendto(fd.get(), "x", 1, flags, to, size) == 1 ? 0 : errno;
}

struct Way {
  const char* address;
  int port, type;
  By by;
  bool refused;
  int protocol = 0;
};

const std::vector<Way>& ways() {
  using enum By;
  static const std::vector<Way> all = {
      {"169.254.169.254", 80, SOCK_STREAM, connecting, true},
      {"169.254.169.254", 80, SOCK_STREAM, sending, true},
      {"169.254.169.254", 80, SOCK_DGRAM, connecting, true},
      {"169.254.169.254", 80, SOCK_DGRAM, sending, true},
      {"::ffff:169.254.169.254", 80, SOCK_STREAM, connecting, true},
      {"::ffff:169.254.169.254", 80, SOCK_STREAM, sending, true},
      {"::ffff:169.254.169.254", 80, SOCK_DGRAM, connecting, true},
      {"::ffff:169.254.169.254", 80, SOCK_DGRAM, sending, true},
      {"168.63.129.16", 80, SOCK_STREAM, connecting, true},
      {"168.63.129.16", 32526, SOCK_STREAM, connecting, true},
      {"fd00:ec2::254", 80, SOCK_STREAM, connecting, true},
      {"fd00:ec2::254", 80, SOCK_STREAM, sending, true},
      {"fd00:ec2::254", 80, SOCK_DGRAM, connecting, true},
      {"fd00:ec2::254", 80, SOCK_DGRAM, sending, true},
      {"fd20:ce::254", 80, SOCK_STREAM, connecting, true},
      {"fd20:ce::254", 80, SOCK_DGRAM, sending, true},
      {"169.254.169.254", 80, SOCK_STREAM, connecting, true, IPPROTO_MPTCP},
      {"169.254.169.254", 80, SOCK_STREAM, sending, true, IPPROTO_MPTCP},
      {"::ffff:169.254.169.254", 80, SOCK_STREAM, connecting, true, IPPROTO_MPTCP},
      {"fd00:ec2::254", 80, SOCK_STREAM, connecting, true, IPPROTO_MPTCP},
      // Names and time.
      {"169.254.169.254", 53, SOCK_STREAM, connecting, false},
      {"169.254.169.254", 53, SOCK_DGRAM, connecting, false},
      {"169.254.169.254", 53, SOCK_DGRAM, sending, false},
      {"169.254.169.254", 123, SOCK_DGRAM, sending, false},
      {"::ffff:169.254.169.254", 53, SOCK_STREAM, connecting, false},
      {"168.63.129.16", 53, SOCK_DGRAM, sending, false},
      {"fd20:ce::254", 53, SOCK_STREAM, connecting, false},
      // Their neighbours.
      {"169.254.169.253", 80, SOCK_STREAM, connecting, false},
      {"::ffff:169.254.169.253", 80, SOCK_STREAM, connecting, false},
      {"fd00:ec2::253", 80, SOCK_STREAM, connecting, false},
      {"127.0.0.1", 80, SOCK_STREAM, connecting, false},
      {"::1", 80, SOCK_DGRAM, sending, false}};
  return all;
}

class Metadata : public StepHost {
 protected:
  void SetUp() override {
    StepHost::SetUp();
    if (const std::string why = service_.start(); !why.empty()) GTEST_SKIP() << why;
  }
  // bash, for it opens connections by itself.
  ToolRequest bash(const std::string& script) const {
    ToolRequest request = shell(script);
    request.argv[0] = "/bin/bash";
    request.timeout_ms = 60'000;  // where this test is killed, nobody lets it go
    return request;
  }
  tests::MetadataService service_;
};

TEST_F(Metadata, is_refused_by_every_call_that_could_reach_it_and_nothing_else_is) {
  auto group = NoMetadata::create();
  ASSERT_TRUE(group) << group.error().text();
  for (const int inside : {0, 1})
    for (const auto& way : ways()) {
      const pid_t pid = fork_into(inside ? group->folder() : -1);
      ASSERT_GE(pid, 0);
      if (pid == 0) ::_exit(try_to_reach(way.address, way.port, way.type, way.by, way.protocol));
      int status = 0;
      ASSERT_EQ(::waitpid(pid, &status, 0), pid);
      if (WEXITSTATUS(status) == EPROTONOSUPPORT) continue;  // not of this kernel
      EXPECT_EQ(WEXITSTATUS(status), inside && way.refused ? EPERM : 0)
          << (inside ? "inside " : "outside ") << way.address << " port " << way.port
          << (way.type == SOCK_STREAM ? " TCP" : " UDP")
          << (way.by == By::connecting ? " connect: " : " sendto: ")
          << std::strerror(WEXITSTATUS(status));
    }
}

TEST_F(Metadata, is_refused_to_a_tool_which_is_told_so_at_once) {
  ASSERT_TRUE(start_tool(step_host, bash(std::string(tests::ask_for_credentials) +
                                         "; cat < /dev/tcp/169.254.169.254/53")));
  EXPECT_EQ(ended().exit.code, 0);
  EXPECT_NE(log().find(tests::not_permitted), std::string::npos) << log();
  EXPECT_NE(log().find(tests::given), std::string::npos) << "port 53 is open: " << log();
  EXPECT_EQ(service_.answered(), 1);
  const auto seen = observe_tool(folder());
  EXPECT_EQ(seen->metadata, process::Metadata::refused);
}

TEST_F(Metadata, is_there_for_a_tool_whose_pack_declares_that_it_needs_it) {
  ToolRequest request = bash(tests::ask_for_credentials);
  request.metadata = process::Metadata::declared;
  ASSERT_TRUE(start_tool(step_host, request));
  EXPECT_EQ(ended().exit.code, 0);
  EXPECT_NE(log().find(tests::given), std::string::npos) << log();
  EXPECT_EQ(observe_tool(folder())->metadata, process::Metadata::declared);
}

TEST_F(Metadata, is_refused_to_what_a_tool_leaves_behind_in_a_session_of_its_own) {
  ASSERT_TRUE(start_tool(step_host, bash("setsid -f setsid /bin/bash -c 'read x < $GO; " +
                                         std::string(tests::ask_for_credentials) +
                                         "; echo up > $READY; sleep 1000' &"
                                         "wait; echo up > $READY; read x < $READY")));
  until_ready();
  let_go();
  until_log_has(tests::not_permitted);
  EXPECT_EQ(service_.answered(), 0);
}

TEST_F(Metadata, is_refused_to_a_tool_that_outlived_its_core_and_is_found_by_another) {
  const ToolRequest request =
      bash("echo up > $READY; read x < $GO; " + std::string(tests::ask_for_credentials));
  start_by_a_core_that_dies(request);
  const auto seen = observe_tool(folder());
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->state, ToolState::running);
  EXPECT_EQ(seen->metadata, process::Metadata::refused);
  let_go();
  ended();
  EXPECT_NE(log().find(tests::not_permitted), std::string::npos) << log();
  EXPECT_EQ(service_.answered(), 0);
}

TEST_F(Metadata, is_not_won_by_writing_to_the_control_groups) {
  ASSERT_TRUE(start_tool(
      step_host, bash("for top in /sys/fs/cgroup /sys/fs/cgroup/unified; do "
                      "[ -f $top/cgroup.controllers ] && echo $$ 2>&1 > $top/cgroup.procs; done; " +
                      std::string(tests::ask_for_credentials))));
  ended();
  EXPECT_NE(log().find("Read-only file system"), std::string::npos) << log();
  EXPECT_NE(log().find(tests::not_permitted), std::string::npos) << log();
}

TEST_F(Metadata, leaves_no_control_group_behind) {
  ASSERT_TRUE(
      start_tool(step_host, bash("grep ^0:: /proc/self/cgroup; echo up > $READY; read x < $GO")));
  until_ready();
  until_log_has("0::");
  const std::string said = log(), group = said.substr(3, said.find('\n') - 3);
  std::filesystem::path place;
  for (const char* top : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"})
    if (std::filesystem::exists(top + group)) place = top + group;
  ASSERT_FALSE(place.empty()) << group;
  let_go();
  ended();
  // Whoever removes it gives up the lock after that.
  const Fd lock(::open((folder() / step_files::lock_name).c_str(), O_RDWR | O_CLOEXEC));
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  ASSERT_EQ(::fcntl(lock.get(), F_OFD_SETLKW, &whole), 0);
  EXPECT_FALSE(std::filesystem::exists(place)) << place;
}

TEST_F(Metadata, leaves_no_control_group_of_a_core_that_was_killed_once_another_begins) {
  namespace fs = std::filesystem;
  const auto place_of = [](const NoMetadata& group) {
    return fs::read_symlink("/proc/self/fd/" + std::to_string(group.folder())).string();
  };
  const auto make_older = [](const std::string& place) {
    const timespec times[2] = {{0, UTIME_OMIT}, {::time(nullptr) - 120, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, place.c_str(), times, 0), 0);
  };
  const auto held = NoMetadata::create();
  ASSERT_TRUE(held);
  make_older(place_of(*held));
  const pid_t core = ::fork();
  ASSERT_GE(core, 0);
  if (core == 0) {
    const auto lost = NoMetadata::create();
    (void)write_file(folder() / "lost", lost ? place_of(*lost) : "nothing");
    ::kill(::getpid(), SIGKILL);
  }
  ASSERT_EQ(::waitpid(core, nullptr, 0), core);
  const std::string lost = read_file(folder() / "lost").value_or("nothing");
  remove_left_groups();
  ASSERT_TRUE(fs::exists(lost)) << "somebody may be just making it: " << lost;
  make_older(lost);
  remove_left_groups();
  EXPECT_FALSE(fs::exists(lost));
  EXPECT_TRUE(fs::exists(place_of(*held))) << "this one has an owner";
}

TEST_F(Metadata, is_said_to_be_open_where_it_cannot_be_refused) {
  ASSERT_EQ(::chown(folder().c_str(), 65534, 65534), 0);
  ASSERT_EQ(::chmod(temp_->path().c_str(), 0755), 0);
  const ToolRequest request = bash("echo it runs all the same");
  const pid_t core = ::fork();
  ASSERT_GE(core, 0);
  if (core == 0) {
    if (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
    const auto examined = examine_metadata();
    if (examined || examined.error().code != "process.metadata") ::_exit(3);
    ::_exit(start_tool(step_host, request) ? 0 : 4);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(core, &status, 0), core);
  ASSERT_EQ(status, 0);
  EXPECT_EQ(ended().exit.code, 0);
  const auto seen = observe_tool(folder());
  EXPECT_EQ(seen->metadata, process::Metadata::open);
  EXPECT_NE(seen->metadata_open.find("cannot make a control group"), std::string::npos)
      << seen->metadata_open;
}

}  // namespace
}  // namespace hyops::process
