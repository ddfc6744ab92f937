// System calls of a plugin: what computing, threads and one socket need. Trying to start a program
// or to reach into the system ends the helper; everything else is refused with an errno, as
// libraries probe. Compiled into the kernel's language once, when hyops is built, for doing it
// costs 2 ms and the answer is always the same.
//
//   hyops-plugin-filter FILE    writes the filters that plugin-host/seccomp.cpp includes
#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace {

// Stands for the number of the process that will load the filter, which puts its own there.
constexpr uint32_t own_pid = 0x5e1f5e1f;

constexpr int allowed[] = {
    // memory
    SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(membarrier), SCMP_SYS(memfd_create),
    SCMP_SYS(mincore), SCMP_SYS(mlock), SCMP_SYS(mlock2), SCMP_SYS(mmap), SCMP_SYS(mprotect),
    SCMP_SYS(mremap), SCMP_SYS(msync), SCMP_SYS(munlock), SCMP_SYS(munmap),
    // descriptors there are
    SCMP_SYS(close), SCMP_SYS(close_range), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3),
    SCMP_SYS(epoll_create), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_wait), SCMP_SYS(eventfd), SCMP_SYS(eventfd2),
    SCMP_SYS(fallocate), SCMP_SYS(fstat), SCMP_SYS(fstatfs), SCMP_SYS(fsync), SCMP_SYS(ftruncate),
    SCMP_SYS(getdents64), SCMP_SYS(getpeername), SCMP_SYS(getsockname), SCMP_SYS(getsockopt),
    SCMP_SYS(lseek), SCMP_SYS(pipe), SCMP_SYS(pipe2), SCMP_SYS(poll), SCMP_SYS(ppoll),
    SCMP_SYS(pread64), SCMP_SYS(preadv), SCMP_SYS(pselect6), SCMP_SYS(pwrite64), SCMP_SYS(pwritev),
    SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(recvfrom), SCMP_SYS(recvmmsg), SCMP_SYS(recvmsg),
    SCMP_SYS(select), SCMP_SYS(sendmmsg), SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(setsockopt),
    SCMP_SYS(shutdown), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_gettime),
    SCMP_SYS(timerfd_settime), SCMP_SYS(write), SCMP_SYS(writev),
    // names of files, reading only; Landlock says which
    SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(getcwd), SCMP_SYS(lstat),
    SCMP_SYS(newfstatat), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(stat),
    SCMP_SYS(statfs), SCMP_SYS(statx),
    // threads and signals of its own
    SCMP_SYS(alarm), SCMP_SYS(arch_prctl), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(futex),
    SCMP_SYS(futex_waitv), SCMP_SYS(getitimer), SCMP_SYS(gettid), SCMP_SYS(pause),
    SCMP_SYS(restart_syscall), SCMP_SYS(rseq), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigpending),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigsuspend),
    SCMP_SYS(rt_sigtimedwait), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_get_priority_max), SCMP_SYS(sched_get_priority_min),
    SCMP_SYS(sched_getscheduler), SCMP_SYS(sched_yield), SCMP_SYS(set_robust_list),
    SCMP_SYS(set_tid_address), SCMP_SYS(setitimer), SCMP_SYS(sigaltstack), SCMP_SYS(timer_create),
    SCMP_SYS(timer_delete), SCMP_SYS(timer_getoverrun), SCMP_SYS(timer_gettime),
    SCMP_SYS(timer_settime),
    // time, chance and who it is
    SCMP_SYS(capget), SCMP_SYS(clock_getres), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(getcpu), SCMP_SYS(getegid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getgroups),
    SCMP_SYS(getpgid), SCMP_SYS(getpgrp), SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(getrandom),
    SCMP_SYS(getresgid), SCMP_SYS(getresuid), SCMP_SYS(getrlimit), SCMP_SYS(getrusage),
    SCMP_SYS(getsid), SCMP_SYS(gettimeofday), SCMP_SYS(getuid), SCMP_SYS(nanosleep),
    SCMP_SYS(sysinfo), SCMP_SYS(time), SCMP_SYS(times), SCMP_SYS(umask), SCMP_SYS(uname)};

// Nobody calls these by mistake. The core sees the signal and calls it plugin.forbidden.
constexpr int deadly[] = {SCMP_SYS(execve),
                          SCMP_SYS(execveat),
                          SCMP_SYS(fork),
                          SCMP_SYS(vfork),
                          SCMP_SYS(ptrace),
                          SCMP_SYS(process_vm_readv),
                          SCMP_SYS(process_vm_writev),
                          SCMP_SYS(pidfd_getfd),
                          SCMP_SYS(mount),
                          SCMP_SYS(umount2),
                          SCMP_SYS(move_mount),
                          SCMP_SYS(open_tree),
                          SCMP_SYS(fsopen),
                          SCMP_SYS(fsmount),
                          SCMP_SYS(fsconfig),
                          SCMP_SYS(mount_setattr),
                          SCMP_SYS(pivot_root),
                          SCMP_SYS(chroot),
                          SCMP_SYS(setns),
                          SCMP_SYS(unshare),
                          SCMP_SYS(bpf),
                          SCMP_SYS(perf_event_open),
                          SCMP_SYS(keyctl),
                          SCMP_SYS(add_key),
                          SCMP_SYS(request_key),
                          SCMP_SYS(init_module),
                          SCMP_SYS(finit_module),
                          SCMP_SYS(delete_module),
                          SCMP_SYS(kexec_load),
                          SCMP_SYS(kexec_file_load),
                          SCMP_SYS(reboot),
                          SCMP_SYS(swapon),
                          SCMP_SYS(swapoff),
                          SCMP_SYS(iopl),
                          SCMP_SYS(ioperm),
                          SCMP_SYS(open_by_handle_at),
                          SCMP_SYS(settimeofday),
                          SCMP_SYS(clock_settime),
                          SCMP_SYS(adjtimex),
                          SCMP_SYS(clock_adjtime),
                          SCMP_SYS(sethostname),
                          SCMP_SYS(syslog),
                          SCMP_SYS(acct),
                          SCMP_SYS(quotactl)};

// The C library asks for these first and falls back to an older call if the kernel has none.
constexpr int unknown[] = {SCMP_SYS(clone3), SCMP_SYS(openat2), SCMP_SYS(io_uring_setup)};

class Filter {
 public:
  Filter() : context_(::seccomp_init(SCMP_ACT_ERRNO(EPERM)), ::seccomp_release) {
    good_ = context_ && ::seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 &&
            ::seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0;
  }
  template <class... Conditions>
  void rule(uint32_t action, int call, Conditions... conditions) {
    good_ = good_ &&
            ::seccomp_rule_add(context_.get(), action, call,
                               static_cast<unsigned>(sizeof...(conditions)), conditions...) == 0;
  }
  // One of a call's commands: an ioctl, an fcntl, a prctl.
  void allow(int call, unsigned argument, uint64_t value) {
    rule(SCMP_ACT_ALLOW, call, scmp_arg_cmp{argument, SCMP_CMP_EQ, value, 0});
  }
  void allow_bits(int call, unsigned argument, uint64_t mask, uint64_t value) {
    rule(SCMP_ACT_ALLOW, call, scmp_arg_cmp{argument, SCMP_CMP_MASKED_EQ, mask, value});
  }
  // Empty if libseccomp cannot do it.
  std::vector<sock_filter> compiled() const {
    std::vector<sock_filter> program(1 << 12);
    const std::unique_ptr<FILE, int (*)(FILE*)> file(std::tmpfile(), std::fclose);
    if (!good_ || !file || ::seccomp_export_bpf(context_.get(), ::fileno(file.get())) != 0)
      return {};
    std::rewind(file.get());
    program.resize(std::fread(program.data(), sizeof(sock_filter), program.size(), file.get()));
    return program;
  }

 private:
  std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
  bool good_ = false;
};

void allow_parts(Filter& filter) {
  constexpr uint64_t changing = O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
  filter.allow_bits(SCMP_SYS(openat), 2, changing, O_RDONLY);
  filter.allow_bits(SCMP_SYS(open), 1, changing, O_RDONLY);
  filter.allow_bits(SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD);
  filter.rule(SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone),
              scmp_arg_cmp{0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0});
  // Without F_SETOWN and its like, which have the kernel send signals to anybody.
  for (const int command : {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL,
                            F_ADD_SEALS, F_GET_SEALS, F_GETPIPE_SZ})
    filter.allow(SCMP_SYS(fcntl), 1, static_cast<uint64_t>(command));
  for (const unsigned command : {FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, TCGETS})
    filter.allow(SCMP_SYS(ioctl), 1, command);
  for (const int what : {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS,
                         PR_GET_SECCOMP, PR_SET_TIMERSLACK, PR_GET_TIMERSLACK, 0x53564d41})
    filter.allow(SCMP_SYS(prctl), 0, static_cast<uint64_t>(what));  // the last: PR_SET_VMA
  // Itself, by its own number: kill(0, ...) and kill(-1, ...) would be everybody.
  for (const int call : {SCMP_SYS(kill), SCMP_SYS(tgkill), SCMP_SYS(rt_tgsigqueueinfo)})
    filter.allow(call, 0, own_pid);
  filter.rule(SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), scmp_arg_cmp{0, SCMP_CMP_EQ, 0, 0},
              scmp_arg_cmp{2, SCMP_CMP_EQ, 0, 0});  // reading its own
}

// A kind of socket, outgoing only. Another protocol of that kind would get past Landlock's ports.
void allow_sockets(Filter& filter, uint64_t kind, uint64_t own_protocol) {
  constexpr uint64_t kind_mask = 0xf;  // without SOCK_CLOEXEC and SOCK_NONBLOCK
  for (const uint64_t family : {AF_INET, AF_INET6})
    for (const uint64_t protocol : {uint64_t{0}, own_protocol})
      filter.rule(SCMP_ACT_ALLOW, SCMP_SYS(socket), scmp_arg_cmp{0, SCMP_CMP_EQ, family, 0},
                  scmp_arg_cmp{1, SCMP_CMP_MASKED_EQ, kind_mask, kind},
                  scmp_arg_cmp{2, SCMP_CMP_EQ, protocol, 0});
}

std::vector<sock_filter> compile(bool tcp, bool udp) {
  Filter filter;
  for (const int call : allowed) filter.rule(SCMP_ACT_ALLOW, call);
  for (const int call : deadly) filter.rule(SCMP_ACT_KILL_PROCESS, call);
  for (const int call : unknown) filter.rule(SCMP_ACT_ERRNO(ENOSYS), call);
  allow_parts(filter);
  if (tcp) allow_sockets(filter, SOCK_STREAM, IPPROTO_TCP);
  if (udp) allow_sockets(filter, SOCK_DGRAM, IPPROTO_UDP);
  if (tcp || udp) filter.rule(SCMP_ACT_ALLOW, SCMP_SYS(connect));
  return filter.compiled();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: hyops-plugin-filter FILE\n";
    return 2;
  }
  std::ofstream out(argv[1]);
  out << "constexpr unsigned own_pid = " << own_pid << ";\n";
  for (const bool tcp : {false, true})
    for (const bool udp : {false, true}) {
      const auto program = compile(tcp, udp);
      if (std::none_of(program.begin(), program.end(),
                       [](const sock_filter& one) { return one.k == own_pid; })) {
        std::cerr << "libseccomp cannot compile the filter of plugins\n";
        return 1;
      }
      out << "constexpr sock_filter " << (tcp ? "tcp" : "no_tcp") << (udp ? "_udp" : "_no_udp")
          << "[] = {\n";
      for (const auto& one : program)
        out << '{' << one.code << ',' << int{one.jt} << ',' << int{one.jf} << ',' << one.k
            << "},\n";
      out << "};\n";
    }
  return out.flush() ? 0 : 1;
}
