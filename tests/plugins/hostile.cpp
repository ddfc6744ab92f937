// Tries to get out of its helper, in the way its inputs name, and tells what came of it:
// {"result":N,"errno":N}. What ends the helper tells nothing.
#include "hyops/plugin.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <map>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

namespace {

using hyops::sdk::Call;
using hyops::sdk::Failed;
using nlohmann::json;

long connect_to(const std::string& address, int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  if (::inet_pton(AF_INET, address.c_str(), &to.sin_addr) != 1) return -1;
  return ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to);
}

long swallow_memory() {
  long got = 0;
  while (void* piece = std::malloc(64u << 20)) {
    static_cast<volatile char*>(piece)[0] = 1;
    got += 64;
    if (got > 8192) break;
  }
  return got;  // MiB
}

// Closed again: a sanitizer needs one of them to look at an object's type.
long open_many() {
  std::vector<int> open;
  for (int fd = 0; open.size() < 100'000 && (fd = ::dup(3)) >= 0;) open.push_back(fd);
  for (const int fd : open) ::close(fd);
  return static_cast<long>(open.size());
}

long run_thread() {
  long seen = 0;
  std::thread([&] { seen = 7; }).join();
  return seen;
}

long attempt(const json& wanted) {
  const std::string what = wanted.at("try");
  const std::string path = wanted.value("path", "/etc/passwd");
  const auto pid = static_cast<pid_t>(wanted.value("pid", 1));
  const auto port = wanted.value("port", 9);
  char* const no_words[] = {nullptr};
  const std::map<std::string, std::function<long()>> ways{
      {"fork", [] { return long(::fork()); }},
      {"vfork", [] { return ::syscall(SYS_vfork); }},
      {"exec", [&] { return long(::execve("/bin/true", no_words, no_words)); }},
      {"system", [] { return long(::system("true")); }},
      {"ptrace", [&] { return ::ptrace(PTRACE_ATTACH, pid, nullptr, nullptr); }},
      {"peek",
       [&] {
         char byte = 0;
         iovec here{&byte, 1}, there{&byte, 1};
         return long(::process_vm_readv(pid, &here, 1, &there, 1, 0));
       }},
      {"mount", [] { return long(::mount("none", "/mnt", "tmpfs", 0, nullptr)); }},
      {"unshare", [] { return ::syscall(SYS_unshare, 0x10000000); }},
      {"bpf", [] { return ::syscall(SYS_bpf, BPF_MAP_CREATE, nullptr, 0); }},
      {"keyctl", [] { return ::syscall(SYS_keyctl, 0, -3, 0); }},
      {"io_uring", [] { return ::syscall(SYS_io_uring_setup, 8, nullptr); }},
      {"kill", [&] { return long(::kill(pid, 0)); }},
      {"kill-all", [] { return long(::kill(-1, 0)); }},
      {"own-signal",  // has the kernel signal somebody else when the socket has news
       [&] { return long(::fcntl(3, F_SETOWN, pid)); }},
      {"read", [&] { return long(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); }},
      {"write", [&] { return long(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)); }},
      {"truncate", [&] { return long(::open(path.c_str(), O_RDONLY | O_TRUNC | O_CLOEXEC)); }},
      {"mkdir", [&] { return long(::mkdir(path.c_str(), 0755)); }},
      {"unlink", [&] { return long(::unlink(path.c_str())); }},
      {"chmod", [&] { return long(::chmod(path.c_str(), 0777)); }},
      {"unix-socket", [] { return long(::socket(AF_UNIX, SOCK_STREAM, 0)); }},
      {"netlink", [] { return long(::socket(AF_NETLINK, SOCK_RAW, 0)); }},
      {"udp", [] { return long(::socket(AF_INET, SOCK_DGRAM, 0)); }},
      {"udp-lite", [] { return long(::socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE)); }},
      {"icmp", [] { return long(::socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP)); }},
      {"raw", [] { return long(::socket(AF_INET, SOCK_RAW, IPPROTO_UDP)); }},
      {"mptcp", [] { return long(::socket(AF_INET, SOCK_STREAM, 262)); }},
      {"listen", [] { return long(::listen(3, 1)); }},
      {"connect", [&] { return connect_to(wanted.value("address", "127.0.0.1"), port); }},
      {"dumpable", [] { return long(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); }},
      {"raise-limit",
       [] {
         const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
         return long(::setrlimit(RLIMIT_NOFILE, &all));
       }},
      {"setuid", [] { return ::syscall(SYS_setuid, 0); }},
      {"memory", swallow_memory},
      {"descriptors", open_many},
      {"thread", run_thread},
      {"pid", [] { return long(::getpid()); }},
  };
  const auto way = ways.find(what);
  if (way == ways.end()) throw Failed("invalid/hostile.way", "no such way: " + what);
  errno = 0;
  return way->second();
}

class Hostile {
 public:
  Hostile(const hyops::sdk::Host&, std::string_view) {}
  std::string plan(Call&, std::string_view) { return "{}"; }
  std::string apply(Call&, std::string_view inputs) {
    const long result = attempt(json::parse(inputs));
    return json{{"result", result}, {"errno", result < 0 ? errno : 0}}.dump();
  }
  std::string observe(Call&, std::string_view) { return "{\"present\":false}"; }
  std::string release(Call&, std::string_view) { return "{}"; }
};

}  // namespace

HYOPS_PLUGIN("test.hostile", "1.0.0", Hostile, hyops::sdk::Provider<Hostile>)
