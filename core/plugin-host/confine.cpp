// Privileges and limits: what needs neither Landlock nor seccomp.
#include "plugin-host/confine.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.hpp"

#ifdef HYOPS_SANITIZED
// A plugin that crashes shall end by its own signal, and nobody look for leaks at its end: both
// would ask for what seccomp forbids.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "detect_leaks=0:handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:"
         "handle_abort=0";
}
#endif

namespace hyops::plugin_host {
namespace {

// Address space is more than memory: stacks of threads and reserves of the allocator count, too.
constexpr rlim_t address_space = 1u << 30, open_files = 64;
// Counted over all processes of the user, so it only stops a flood; seccomp forbids processes.
constexpr rlim_t processes = 4096;

#ifdef HYOPS_SANITIZED
constexpr bool shadowed = true;  // sanitizers reserve terabytes
#else
constexpr bool shadowed = false;
#endif

Failure cannot(const std::string& what) { return fail_errno("plugin.isolation", what, errno); }

// Root without capabilities owns root's files and nothing more.
Status drop_capabilities() {
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3]{};
  if (::syscall(SYS_capset, &head, none) != 0) return cannot("cannot drop capabilities");
  return {};
}

Status limit(__rlimit_resource which, rlim_t most) {
  rlimit now{};
  ::getrlimit(which, &now);
  const rlim_t value = std::min(most, now.rlim_max);
  const rlimit both{value, value};
  if (::setrlimit(which, &both) != 0) return cannot("cannot set a resource limit");
  return {};
}

}  // namespace

Status give_up_privileges(int last_kept) {
  ::close_range(static_cast<unsigned>(last_kept) + 1, ~0u, 0);
  // Where memory runs out, this process is the one to lose.
  if (const Fd score(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)); score)
    (void)write_all(score.get(), "1000");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return cannot("cannot give up privileges");
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return cannot("cannot forbid core dumps");
  ::mallopt(M_ARENA_MAX, 2);  // each arena reserves 64 MiB of the address space
  for (const auto& [which, most] :
       {std::pair{RLIMIT_CORE, rlim_t{0}}, std::pair{RLIMIT_NOFILE, open_files},
        std::pair{RLIMIT_NPROC, processes},
        std::pair{RLIMIT_AS, shadowed ? RLIM_INFINITY : address_space}})
    if (auto done = limit(which, most); !done) return done;
  return drop_capabilities();
}

Result<Json> confine(const Declared& declared) {
  auto landlock = restrict_files(declared);
  if (!landlock) return pass(landlock);
  if (auto done = restrict_calls(declared); !done) return pass(done);
  return Json{{"no_new_privs", true},
              {"seccomp", true},
              {"landlock", *landlock},
              {"limits",
               {{"address_space", shadowed ? 0 : static_cast<int64_t>(address_space)},
                {"open_files", static_cast<int64_t>(open_files)},
                {"core", 0}}}};
}

}  // namespace hyops::plugin_host
