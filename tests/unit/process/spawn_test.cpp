// Children must get exactly what they were given, and leave nothing behind.
#include "process/spawn.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.hpp"

namespace hyops::process {
namespace {

SpawnRequest shell(const std::string& script) {
  SpawnRequest request;
  request.argv = {"/bin/sh", "-c", script};
  return request;
}

TEST(Spawn, tells_the_real_exit_status) {
  auto child = spawn(shell("exit 7"));
  ASSERT_TRUE(child) << child.error().text();
  const auto exit = child->wait(-1);
  ASSERT_TRUE(exit && *exit);
  EXPECT_EQ((*exit)->text(), "exit status 7");
  EXPECT_EQ((*child->wait(-1))->code, 7) << "asked again, it is told again";
}

TEST(Spawn, tells_the_signal_that_killed) {
  auto child = spawn(shell("kill -9 $$"));
  ASSERT_TRUE(child);
  EXPECT_EQ((*child->wait(-1))->text(), "killed by signal 9 (Killed)");
}

TEST(Spawn, hands_on_nothing_but_the_environment_it_was_given) {
  SpawnRequest request;
  request.argv = {"env"};
  request.environment = {{"ONE", "1"}, {"PATH", default_path}};
  const auto output = run(request, 60'000);
  ASSERT_TRUE(output) << output.error().text();
  EXPECT_EQ(output->out, std::string("ONE=1\nPATH=") + default_path + "\n");
}

TEST(Spawn, closes_every_descriptor_that_was_not_named) {
  const Fd leaky(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC, on purpose
  const auto output =
      run(shell("for f in $(seq 0 99); do [ -e /proc/$$/fd/$f ] && echo $f; done"), 60'000);
  ASSERT_TRUE(output);
  EXPECT_EQ(output->out, "0\n1\n2\n") << output->err;
}

TEST(Spawn, can_swap_descriptors) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  SpawnRequest request = shell("echo there >&" + std::to_string(null.get()));
  request.extra = {{write_end.get(), null.get()}, {null.get(), write_end.get()}};
  auto child = spawn(request);
  ASSERT_TRUE(child);
  write_end.reset();
  ASSERT_TRUE(child->wait(-1));
  char buffer[16] = {};
  ASSERT_GT(::read(read_end.get(), buffer, sizeof buffer - 1), 0);
  EXPECT_STREQ(buffer, "there\n");
}

TEST(Spawn, starts_a_relative_program_in_its_directory) {
  auto folder = TempDir::create(::testing::TempDir());
  ASSERT_TRUE(folder);
  ASSERT_TRUE(write_file(folder->path() / "run.sh", "#!/bin/sh\npwd\n", 0755));
  SpawnRequest request;
  request.argv = {"./run.sh"};
  request.directory = folder->path();
  const auto output = run(request, 60'000);
  ASSERT_TRUE(output) << output.error().text();
  EXPECT_EQ(output->out, folder->path().string() + "\n");
}

TEST(Spawn, says_that_a_program_does_not_exist) {
  SpawnRequest request;
  request.argv = {"no-such-program-anywhere"};
  EXPECT_EQ(spawn(request).error().code, "process.not_found");
  request.argv = {"/no/such/program"};
  EXPECT_EQ(spawn(request).error().code, "process.not_found");
}

TEST(Spawn, says_that_a_file_is_no_program) {
  SpawnRequest request;
  request.argv = {"/etc/passwd"};
  EXPECT_EQ(spawn(request).error().code, "process.not_executable");
}

TEST(Spawn, says_that_the_directory_is_missing) {
  SpawnRequest request = shell("true");
  request.directory = "/no/such/folder";
  const auto child = spawn(request);
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, "process.spawn");
  EXPECT_NE(child.error().message.find("/no/such/folder"), std::string::npos);
}

TEST(Spawn, kills_and_reaps_what_nobody_waited_for) {
  pid_t pid = 0;
  {
    auto child = spawn(shell("exec sleep 1000"));
    ASSERT_TRUE(child);
    pid = child->pid();
    EXPECT_FALSE(*child->wait(0)) << "still running";
  }
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH) << "neither running nor a zombie";
}

TEST(Spawn, survives_being_moved) {
  auto first = spawn(shell("exec sleep 1000"));
  auto second = spawn(shell("exit 3"));
  ASSERT_TRUE(first && second);
  const pid_t gone = first->pid();
  *first = std::move(*second);
  EXPECT_EQ((*first->wait(-1))->code, 3);
  EXPECT_EQ(::kill(gone, 0), -1);
}

TEST(Identity, knows_a_process_and_not_its_successor) {
  auto child = spawn(shell("exec sleep 1000"));
  ASSERT_TRUE(child);
  const auto identity = identify(child->pid());
  ASSERT_TRUE(identity);
  EXPECT_TRUE(is_alive(*identity));
  Identity other = *identity;
  other.start_ticks -= 1;
  EXPECT_FALSE(is_alive(other)) << "same number, other process";
  other = *identity;
  other.boot_id = "00000000-0000-0000-0000-000000000000";
  EXPECT_FALSE(is_alive(other)) << "same number and time, other boot";
  ASSERT_TRUE(child->signal(SIGKILL));
  pollfd ended{child->pidfd(), POLLIN, 0};
  ASSERT_EQ(::poll(&ended, 1, -1), 1);
  EXPECT_FALSE(is_alive(*identity)) << "a zombie is not alive";
}

TEST(Run, returns_both_outputs_and_feeds_the_input) {
  const auto output = run(shell("cat; echo bad >&2; exit 2"), 60'000, "hello");
  ASSERT_TRUE(output);
  EXPECT_EQ(output->out, "hello");
  EXPECT_EQ(output->err, "bad\n");
  EXPECT_EQ(output->exit.code, 2);
}

TEST(Run, does_not_mind_a_helper_that_ignores_a_large_input) {
  const auto output = run(shell("exit 0"), 60'000, std::string(1 << 20, 'x'));
  ASSERT_TRUE(output) << output.error().text();
  EXPECT_EQ(output->exit.code, 0);
}

TEST(Run, kills_a_helper_out_of_time_with_all_it_started) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  SpawnRequest request = shell("sleep 1000 & sleep 1000");
  request.extra = {{write_end.get(), 9}};
  const auto output = run(request, 1);
  write_end.reset();
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code, "process.deadline");
  char byte = 0;
  EXPECT_EQ(::read(read_end.get(), &byte, 1), 0) << "ends only when the last of them is gone";
}

TEST(Run, does_not_wait_for_a_grandchild_that_keeps_the_output_open) {
  const auto output = run(shell("sleep 1000 & echo done"), 600'000);
  ASSERT_TRUE(output);
  EXPECT_EQ(output->out, "done\n");
}

TEST(Run, refuses_an_endless_answer) {
  EXPECT_EQ(run(shell("cat /dev/zero"), 600'000).error().code, "process.output");
}

TEST(FindExecutable, looks_only_in_absolute_folders_of_the_path) {
  EXPECT_TRUE(find_executable("sh", default_path));
  EXPECT_FALSE(find_executable("sh", ".:bin:"));
  EXPECT_FALSE(find_executable("passwd", "/etc")) << "a file without the x bit";
}

}  // namespace
}  // namespace hyops::process
