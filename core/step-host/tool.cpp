// The start of the tool: a process group of its own, no descriptor but three, and SIGKILL when the
// host dies.
#include "tool.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace hyops::step_host {

Result<Tool> start(const process::ToolRequest& request, int cgroup) {
  int output[2];
  if (::pipe2(output, O_CLOEXEC) != 0)
    return fail_errno("process.spawn", "cannot make a pipe", errno);
  Fd read_end(output[0]);
  const Fd write_end(output[1]);
  process::SpawnRequest spawn;
  spawn.argv = request.argv;
  spawn.environment = request.environment;
  spawn.directory = request.directory;
  spawn.out = spawn.err = write_end.get();
  spawn.new_group = spawn.dies_with_us = true;
  spawn.cgroup = cgroup;
  const mode_t ours = ::umask(022);
  auto child = process::spawn(spawn);
  ::umask(ours);
  if (!child) return Failure(child.error());
  const pid_t pid = child->pid();
  child->release();  // the supervisor reaps it, with whatever it leaves behind
  ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
  return Tool{pid, std::move(read_end)};
}

}  // namespace hyops::step_host
