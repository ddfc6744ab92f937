// Tools must be found again, told the truth about, and ended with all that they started (L5, L6).
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>

#include "base/json.hpp"
#include "process/step_files.hpp"
#include "process/step_frame.hpp"
#include "unit/process/step.hpp"

namespace hyops::process {
namespace {

bool gone(const std::string& pid) {
  const auto identity = identify(static_cast<pid_t>(std::stol(pid)));
  return !identity || !is_alive(*identity);
}

TEST_F(StepHost, keeps_output_and_exit_status) {
  const auto host = start_tool(step_host, shell("echo out; echo err >&2; exit 3"));
  ASSERT_TRUE(host) << host.error().text();
  const ToolStatus status = ended();
  EXPECT_EQ(status.exit.text(), "exit status 3");
  EXPECT_EQ(status.reason, "");
  EXPECT_LE(status.started_ms, status.ended_ms);
  EXPECT_TRUE(status.log_complete);
  EXPECT_EQ(log(), "out\nerr\n");
}

TEST_F(StepHost, is_nobodys_child_and_leaves_no_zombie) {
  const auto host = start_tool(step_host, shell("echo up > $READY; read x < $GO"));
  ASSERT_TRUE(host);
  until_ready();
  EXPECT_TRUE(is_alive(*host));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  let_go();
  EXPECT_EQ(ended().exit.code, 0);
}

TEST_F(StepHost, gives_the_tool_three_descriptors_and_only_its_environment) {
  ToolRequest request =
      shell("for f in $(seq 0 99); do [ -e /proc/$$/fd/$f ] && echo $f; done; exec env");
  request.environment = {{"ONLY", "this"}, {"PATH", default_path}};
  ASSERT_TRUE(start_tool(step_host, request));
  ended();
  EXPECT_EQ(log().substr(0, log().find_first_not_of("0123456789\n")), "0\n1\n2\n");
  EXPECT_NE(log().find("ONLY=this\n"), std::string::npos);
  EXPECT_NE(log().find("HYOPS_SECRETS=" + (folder() / "secrets").string() + "\n"),
            std::string::npos);
  EXPECT_EQ(log().find("HOME="), std::string::npos);
}

TEST_F(StepHost, shows_progress_before_the_line_is_complete) {
  ASSERT_TRUE(
      start_tool(step_host, shell("printf 'restoring 31 of 62'; read x < $GO; echo ' done'")));
  until_log_has("31 of 62");
  let_go();
  ended();
  EXPECT_EQ(log(), "restoring 31 of 62 done\n");
}

TEST_F(StepHost, outlives_the_core_that_started_it_and_loses_no_byte) {
  const ToolRequest request =
      shell("echo before; echo up > $READY; read x < $GO; seq 100000; exit 42");
  start_by_a_core_that_dies(request);
  const auto seen = observe_tool(folder());
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->state, ToolState::running);
  ASSERT_TRUE(seen->host);
  EXPECT_TRUE(is_alive(*seen->host));
  let_go();
  EXPECT_EQ(ended().exit.code, 42);
  EXPECT_EQ(log().size(), 7u + 588895u);
  EXPECT_EQ(log().substr(log().size() - 7), "100000\n");
}

TEST_F(StepHost, never_starts_the_tool_of_a_core_that_died_while_asking) {
  Fd lock(::open((folder() / step_files::lock_name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  struct flock whole {};
  whole.l_type = F_WRLCK;
  ASSERT_EQ(::fcntl(lock.get(), F_OFD_SETLK, &whole), 0);
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  Fd ours(ends[0]), theirs(ends[1]);
  SpawnRequest host;
  host.argv = {step_host.string()};
  host.extra = {{theirs.get(), step_files::request_fd}, {lock.get(), step_files::lock_fd}};
  auto child = spawn(host);
  ASSERT_TRUE(child);
  theirs.reset();
  lock.reset();
  ASSERT_TRUE(child->wait(-1));
  EXPECT_EQ(observe_tool(folder())->state, ToolState::running) << "it may still be asked";

  // All of the frame but its last byte, taken from a real one.
  ToolRequest request = shell("echo it ran");
  request.secrets.push_back(secret("last", "", "0123456789"));
  int copy[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, copy), 0);
  const Fd copy_in(copy[0]), copy_out(copy[1]);
  ASSERT_TRUE(send_request(copy_in.get(), request));
  std::string frame(65536, '\0');
  frame.resize(static_cast<size_t>(::recv(copy_out.get(), frame.data(), frame.size(), 0)));
  for (ssize_t more; frame.substr(frame.size() - 10) != "0123456789";) {
    char buffer[4096];
    more = ::recv(copy_out.get(), buffer, sizeof buffer, 0);
    ASSERT_GT(more, 0);
    frame.append(buffer, static_cast<size_t>(more));
  }
  ASSERT_TRUE(write_all(ours.get(), std::string_view(frame).substr(0, frame.size() - 1)));
  ours.reset();

  const auto seen = wait_tool(folder(), -1);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->state, ToolState::lost);
  EXPECT_FALSE(seen->host) << "so it is known that nothing was started";
  EXPECT_FALSE(std::filesystem::exists(folder() / "log.txt"));
}

TEST_F(StepHost, says_why_a_tool_could_not_be_started) {
  ToolRequest request = shell("");
  request.argv = {"no-such-tool"};
  const auto host = start_tool(step_host, request);
  ASSERT_TRUE(host) << host.error().text();
  const ToolStatus status = ended();
  EXPECT_EQ(status.exit.code, 127);
  EXPECT_EQ(status.reason, "spawn: there is no program \"no-such-tool\" in the path");
}

TEST_F(StepHost, serves_a_folder_once) {
  ASSERT_TRUE(start_tool(step_host, shell("echo up > $READY; read x < $GO")));
  until_ready();
  EXPECT_EQ(start_tool(step_host, shell("true")).error().code, "process.step.busy");
  let_go();
  ended();
  // The lock may outlast the status by a moment.
  const auto again = start_tool(step_host, shell("true"));
  ASSERT_FALSE(again);
  EXPECT_TRUE(again.error().code == "process.step.used" ||
              again.error().code == "process.step.busy");
}

TEST_F(StepHost, interrupts_a_tool_that_takes_too_long) {
  ToolRequest request = shell("exec sleep 1000");
  request.timeout_ms = 1;
  ASSERT_TRUE(start_tool(step_host, request));
  const ToolStatus status = ended();
  EXPECT_EQ(status.reason, "deadline");
  EXPECT_EQ(status.exit.signal, SIGINT);
  EXPECT_NE(log().find("[hyops] the tool took longer than"), std::string::npos);
}

TEST_F(StepHost, lets_a_tool_that_is_stopped_finish_in_its_own_way) {
  ASSERT_TRUE(start_tool(step_host, shell("trap 'echo state written; exit 5' INT; echo up > $READY;"
                                          "sleep 1000 & wait")));
  until_ready();
  ASSERT_TRUE(stop_tool(folder()));
  const ToolStatus status = ended();
  EXPECT_EQ(status.reason, "stopped");
  EXPECT_EQ(status.exit.code, 5);
  EXPECT_NE(log().find("state written\n"), std::string::npos);
}

TEST_F(StepHost, terminates_a_tool_that_ignores_the_interrupt) {
  ToolRequest request = shell("trap '' INT; echo up > $READY; exec sleep 1000");
  request.stop_grace_ms = 1;
  ASSERT_TRUE(start_tool(step_host, request));
  until_ready();
  ASSERT_TRUE(stop_tool(folder()));
  EXPECT_EQ(ended().exit.signal, SIGTERM);
}

TEST_F(StepHost, kills_a_tool_that_ignores_everything) {
  ToolRequest request = shell("trap '' INT TERM; echo up > $READY; exec sleep 1000");
  request.stop_grace_ms = 1;
  ASSERT_TRUE(start_tool(step_host, request));
  until_ready();
  ASSERT_TRUE(stop_tool(folder()));
  const ToolStatus status = ended();
  EXPECT_EQ(status.exit.signal, SIGKILL);
  EXPECT_EQ(status.reason, "stopped");
}

TEST_F(StepHost, kills_at_once_when_told_to) {
  ASSERT_TRUE(start_tool(step_host, shell("trap '' INT TERM; echo up > $READY; exec sleep 1000")));
  until_ready();
  ASSERT_TRUE(kill_tool(folder()));
  EXPECT_EQ(ended().reason, "killed");
  EXPECT_TRUE(stop_tool(folder())) << "what has ended may be told to stop";
}

TEST_F(StepHost, kills_what_a_tool_left_behind_however_it_hid) {
  ASSERT_TRUE(start_tool(
      step_host, shell("setsid sh -c 'setsid sh -c \"echo \\$\\$ > $READY; exec sleep 1000\" &' "
                       "< /dev/null > /dev/null 2>&1 & wait; read x < $GO; exit 0")));
  const std::string escaped = until_ready();
  EXPECT_FALSE(gone(escaped));
  let_go();
  EXPECT_EQ(ended().exit.code, 0);
  EXPECT_TRUE(gone(escaped));
  EXPECT_NE(log().find("left behind were killed: 1\n"), std::string::npos) << log();
}

TEST_F(StepHost, takes_the_tool_and_its_children_along_when_it_is_killed) {
  const auto host =
      start_tool(step_host, shell("setsid sh -c 'echo $$ > $READY; exec sleep 1000' & wait"));
  ASSERT_TRUE(host);
  const std::string child = until_ready();
  ASSERT_EQ(::kill(host->pid, SIGKILL), 0);
  const auto seen = wait_tool(folder(), -1);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->state, ToolState::lost);
  EXPECT_TRUE(seen->host);
  EXPECT_TRUE(gone(child)) << "it is lost only when nothing of it acts any more";
  EXPECT_EQ(stop_tool(folder()).error().code, "process.step.lost");
}

TEST_F(StepHost, waits_no_longer_than_it_is_told) {
  ASSERT_TRUE(start_tool(step_host, shell("echo up > $READY; read x < $GO")));
  until_ready();
  EXPECT_EQ(wait_tool(folder(), 1)->state, ToolState::running);
  EXPECT_EQ(wait_tool(folder(), 0)->state, ToolState::running);
}

TEST_F(StepHost, survives_a_full_disk_with_the_tool_and_its_exit_status) {
  // The limit acts on the host like a disk of that size: writes fail, the process lives.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{64 << 10, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto host = start_tool(step_host, shell("seq 100000; exit 9"));
  ::setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_TRUE(host) << host.error().text();
  const ToolStatus status = ended();
  EXPECT_EQ(status.exit.code, 9);
  EXPECT_FALSE(status.log_complete);
  EXPECT_NE(log().find("[hyops] the disk was full here"), std::string::npos);
}

}  // namespace
}  // namespace hyops::process
