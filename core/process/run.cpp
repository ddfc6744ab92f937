// Short helpers: input in, output out, within a time, leaving nothing behind.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/clock.hpp"
#include "process/spawn.hpp"

namespace hyops::process {
namespace {

constexpr size_t max_output = 1u << 20;
constexpr int64_t stop_tick_ms = 100;

struct Pipe {
  Fd read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return fail_errno("process.spawn", "cannot make a pipe", errno);
  Pipe pipe{Fd(ends[0]), Fd(ends[1])};
  ::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK);
  return pipe;
}

// The input as a file in memory: a helper that does not read it cannot block us or raise SIGPIPE.
Result<Fd> as_file(std::string_view input) {
  Fd file(::memfd_create("input", MFD_CLOEXEC));
  if (!file) return fail_errno("process.spawn", "cannot hold the input", errno);
  if (auto put = write_all(file.get(), input); !put) return Failure(put.error());
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

enum class Flow : char { more, later, ended, too_much };

Flow take(const Fd& from, std::string& into) {
  char buffer[16384];
  const ssize_t got = ::read(from.get(), buffer, sizeof buffer);
  if (got < 0) return errno == EINTR ? Flow::more : errno == EAGAIN ? Flow::later : Flow::ended;
  if (got == 0) return Flow::ended;
  if (into.size() + static_cast<size_t>(got) > max_output) return Flow::too_much;
  into.append(buffer, static_cast<size_t>(got));
  return Flow::more;
}

// A helper is a session of its own; what it started dies with it.
void kill_group(pid_t leader) { ::kill(-leader, SIGKILL); }

}  // namespace

Result<Output> run(const SpawnRequest& request, int64_t timeout_ms, std::string_view input,
                   const std::function<bool()>& stop) {
  auto out = make_pipe();
  if (!out) return Failure(out.error());
  auto err = make_pipe();
  if (!err) return Failure(err.error());
  Fd in;
  if (!input.empty()) {
    auto file = as_file(input);
    if (!file) return Failure(file.error());
    in = std::move(*file);
  }
  SpawnRequest mine = request;
  mine.in = in.get();
  mine.out = out->write.get();
  mine.err = err->write.get();
  mine.new_session = true;
  auto child = spawn(mine);
  if (!child) return Failure(child.error());
  out->write.reset();
  err->write.reset();

  const std::string& program = request.argv[0];
  const int64_t deadline = system_clock().mono_ms() + timeout_ms;
  Output result;
  const std::array<std::pair<Fd*, std::string*>, 2> flows{
      {{&out->read, &result.out}, {&err->read, &result.err}}};
  bool ended = false;
  for (;;) {
    for (const auto& [from, into] : flows) {
      Flow flow = Flow::more;
      while (*from && flow == Flow::more) flow = take(*from, *into);
      if (flow == Flow::ended) from->reset();
      if (flow == Flow::too_much) {
        kill_group(child->pid());
        return fail("process.output",
                    program + " wrote more than " + std::to_string(max_output) + " bytes");
      }
    }
    if (ended) break;
    const int64_t left = deadline - system_clock().mono_ms();
    if (left <= 0) {
      kill_group(child->pid());
      return fail("process.deadline",
                  program + " did not end within " + show_duration(timeout_ms) + " and was killed");
    }
    if (stop && stop()) {
      kill_group(child->pid());
      return fail("process.cancelled", program + " was killed, for nobody waits for it any more");
    }
    std::array<pollfd, 3> polled{
        {{child->pidfd(), POLLIN, 0}, {out->read.get(), POLLIN, 0}, {err->read.get(), POLLIN, 0}}};
    const int timeout = static_cast<int>(std::min<int64_t>(left, stop ? stop_tick_ms : 1 << 30));
    if (::poll(polled.data(), polled.size(), timeout) < 0 && errno != EINTR)
      return fail_errno("process.wait", "cannot wait for " + program, errno);
    // What it wrote before its end is in the pipes by now: read once more, then stop, because a
    // grandchild may hold them open for ever.
    ended = (polled[0].revents & POLLIN) != 0;
  }
  kill_group(child->pid());  // before it is reaped: until then its number cannot be a stranger's
  auto exit = child->wait(-1);
  if (!exit) return Failure(exit.error());
  result.exit = **exit;
  return result;
}

}  // namespace hyops::process
