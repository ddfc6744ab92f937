// Enters the namespaces of a host.
#include "namespaces.hpp"

#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstdlib>

#include "host_group.hpp"
#include "subprocess.hpp"

namespace hyops::labd {

Done drop_machine_rights() {
  for (const int right : {CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_TIME, CAP_MKNOD, CAP_SYSLOG,
                          CAP_WAKE_ALARM, CAP_MAC_ADMIN, CAP_MAC_OVERRIDE, CAP_BLOCK_SUSPEND}) {
    if (prctl(PR_CAPBSET_READ, right, 0, 0, 0) == 1 &&
        prctl(PR_CAPBSET_DROP, right, 0, 0, 0) != 0) {
      return fail_errno("drop capability " + std::to_string(right));
    }
  }
  return {};  // takes effect at the next execve, before anything of the host runs
}

Result<int> run_inside(const ProcessIdentity& host, const std::vector<std::string>& argv) {
  const Fd pidfd = open_pidfd(host);
  if (!pidfd.valid()) {
    return fail(409, "host.off", "the host is powered off",
                "power it on: POST /v1/hosts/NAME/power {\"state\":\"on\"}");
  }
  // Only children move into a PID namespace; the child joins the others itself and so dies with the
  // host.
  if (setns(pidfd.get(), CLONE_NEWPID) != 0) return fail_errno("enter the host's PID namespace");
  const pid_t child = fork();
  if (child < 0) return fail_errno("fork");
  if (child == 0) {
    const int all = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;
    join_group_of(host.pid);
    if (setns(pidfd.get(), all) != 0 || !drop_machine_rights()) _exit(126);
    std::vector<char*> arguments;
    for (const auto& a : argv) arguments.push_back(const_cast<char*>(a.c_str()));
    arguments.push_back(nullptr);
    const char* term = getenv("TERM");
    std::string terminal = std::string("TERM=") + (term ? term : "dumb");
    const char* environment[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME=/root",
        "USER=root",
        "LOGNAME=root",
        "LANG=C.UTF-8",
        terminal.c_str(),
        nullptr};
    if (chdir("/root") != 0) _exit(126);
    execvpe(arguments[0], arguments.data(), const_cast<char**>(environment));
    _exit(127);
  }
  // Ctrl-C is for the program inside, which shares the terminal; we only pass its end on.
  signal(SIGINT, SIG_IGN);
  signal(SIGQUIT, SIG_IGN);
  return reap(child);
}

}  // namespace hyops::labd
