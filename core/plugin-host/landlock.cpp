// The file system and the network as Landlock can fence them: libraries to load, what the manifest
// names, and nothing to write. Rights that a kernel does not know are left out, not asked for.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/file.hpp"
#include "plugin-host/confine.hpp"

namespace hyops::plugin_host {
namespace {

// As in linux/landlock.h of Linux 6.12; Debian 12 has that of 6.1, which knows ABI 2.
struct RulesetAttributes {
  uint64_t files, network, scoped;
};
struct [[gnu::packed]] BeneathRule {
  uint64_t allowed;
  int32_t parent;
};
struct PortRule {
  uint64_t allowed, port;
};
constexpr uint64_t read_file_right = 1u << 2, read_folder_right = 1u << 3;
constexpr uint64_t connect_right = 1u << 1;
constexpr unsigned beneath_rule = 1, port_rule = 2;

// Bits that each ABI knows: files 1 to 5, the network since 4, signals and abstract sockets
// since 6.
RulesetAttributes known_to(int abi) {
  const unsigned bits = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;
  return {(uint64_t{1} << bits) - 1, abi >= 4 ? 3u : 0u, abi >= 6 ? 3u : 0u};
}

// Where the loader finds libraries, and what the C library reads unasked.
constexpr const char* for_everybody[] = {
    "/lib",           "/lib64",           "/usr/lib",       "/usr/lib64",
    "/usr/local/lib", "/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo",
    "/dev/null",      "/dev/urandom"};
constexpr const char* for_the_network[] = {
    "/etc/resolv.conf", "/etc/hosts",    "/etc/nsswitch.conf", "/etc/host.conf",
    "/etc/gai.conf",    "/etc/services", "/etc/protocols",     "/etc/ssl/certs"};

class Ruleset {
 public:
  explicit Ruleset(int abi) : known_(known_to(abi)) {
    fd_ = Fd(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &known_,
                                        abi >= 6   ? 24
                                        : abi >= 4 ? 16
                                                   : 8,
                                        0)));
  }
  explicit operator bool() const { return static_cast<bool>(fd_); }

  // What is not there needs no rule.
  bool may_read(const char* path) {
    const Fd parent(::open(path, O_PATH | O_CLOEXEC));
    if (!parent) return true;
    struct stat about {};
    ::fstat(parent.get(), &about);
    const BeneathRule rule{read_file_right | (S_ISDIR(about.st_mode) ? read_folder_right : 0),
                           parent.get()};
    return ::syscall(SYS_landlock_add_rule, fd_.get(), beneath_rule, &rule, 0) == 0;
  }
  bool may_connect(uint64_t port) {
    if (!known_.network) return true;
    const PortRule rule{connect_right, port};
    return ::syscall(SYS_landlock_add_rule, fd_.get(), port_rule, &rule, 0) == 0;
  }
  bool enforce() { return ::syscall(SYS_landlock_restrict_self, fd_.get(), 0) == 0; }

 private:
  RulesetAttributes known_;
  Fd fd_;
};

}  // namespace

Result<int> restrict_files(const Declared& declared) {
  const auto abi = static_cast<int>(
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1 /* which ABI is it? */));
  if (abi < 1) return 0;  // not built in, switched off, or forbidden by a container
  Ruleset rules(abi);
  bool good = static_cast<bool>(rules);
  for (const char* path : for_everybody) good = good && rules.may_read(path);
  for (const auto& path : declared.read) good = good && rules.may_read(path.c_str());
  if (!declared.direct.empty())
    for (const char* path : for_the_network) good = good && rules.may_read(path);
  for (const auto& way : declared.direct)
    if (way.starts_with("tcp:"))
      good = good && rules.may_connect(std::strtoul(way.c_str() + 4, nullptr, 10));
  if (!good || !rules.enforce())
    return fail_errno("plugin.isolation", "the kernel has Landlock but does not enforce it", errno);
  return abi;
}

}  // namespace hyops::plugin_host
