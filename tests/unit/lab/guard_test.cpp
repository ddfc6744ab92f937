// Whatever ends the work, what it made is undone; only its own return leaves things alone.
#include "lab/guard.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "base/file.hpp"

namespace hyops::lab {
namespace {

struct Ended {
  int code = -1;
  std::string said;  // what work and clean-up wrote, in order
  bool orphan_lives = false;
};

// Runs `guarded` in a process of its own. The work writes "w" and, told to, starts an orphan that
// holds the pipe; then `act` sees the process's pid once the work has begun.
Ended watch(const std::function<int(int pipe)>& work, const std::function<void(pid_t)>& act) {
  int pipe[2];
  EXPECT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  Fd from(pipe[0]), to(pipe[1]);
  const pid_t guard = ::fork();
  if (guard == 0) {
    ::signal(SIGTERM, SIG_DFL);
    const int code =
        guarded([&] { return work(to.get()); }, [&] { (void)!::write(to.get(), "c", 1); });
    ::_exit(code);
  }
  to.reset();
  Ended ended;
  char c = 0;
  EXPECT_EQ(::read(from.get(), &c, 1), 1);  // the work has begun
  ended.said += c;
  act(guard);
  int status = 0;
  EXPECT_EQ(::waitpid(guard, &status, 0), guard);
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  pollfd rest{from.get(), POLLIN, 0};
  // Whoever still holds the pipe open outlived the guard.
  while (::poll(&rest, 1, 0) > 0 && ::read(from.get(), &c, 1) == 1) ended.said += c;
  ended.orphan_lives = ::poll(&rest, 1, 0) == 0;
  return ended;
}

int begin_and_stay(int pipe) {
  (void)!::write(pipe, "w", 1);
  for (;;) ::pause();
}

int begin_with_an_orphan(int pipe) {
  if (::fork() == 0) {
    ::setsid();
    if (::fork() == 0) return begin_and_stay(pipe);
    ::_exit(0);
  }
  for (;;) ::pause();
}

TEST(Guard, passes_on_how_the_work_ended_and_undoes_nothing) {
  const auto ended = watch(
      [](int pipe) {
        (void)!::write(pipe, "w", 1);
        return 7;
      },
      [](pid_t) {});
  EXPECT_EQ(ended.code, 7);
  EXPECT_EQ(ended.said, "w");
}

TEST(Guard, cleans_up_when_it_is_told_to_stop) {
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    const auto ended = watch(begin_and_stay, [&](pid_t guard) { ::kill(guard, number); });
    EXPECT_EQ(ended.code, 128 + number);
    EXPECT_EQ(ended.said, "wc");
  }
}

TEST(Guard, ends_what_the_work_left_behind_before_it_cleans_up) {
  const auto ended = watch(begin_with_an_orphan, [](pid_t guard) { ::kill(guard, SIGTERM); });
  EXPECT_EQ(ended.code, 128 + SIGTERM);
  EXPECT_EQ(ended.said, "wc");
  EXPECT_FALSE(ended.orphan_lives);
}

TEST(Guard, cleans_up_when_the_work_crashes) {
  const auto ended = watch(
      [](int pipe) {
        (void)!::write(pipe, "w", 1);
        ::raise(SIGKILL);
        return 0;
      },
      [](pid_t) {});
  EXPECT_EQ(ended.code, 128 + SIGKILL);
  EXPECT_EQ(ended.said, "wc");
}

}  // namespace
}  // namespace hyops::lab
