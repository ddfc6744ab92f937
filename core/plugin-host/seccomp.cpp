// System calls: loads the filter that was compiled with hyops for what the plugin declares. Which
// calls it allows is said in core/plugin-filter.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <span>

#include "plugin-host/confine.hpp"

namespace hyops::plugin_host {
namespace {

#include "plugin_filters.inc"

std::span<const sock_filter> filter_for(const std::vector<std::string>& direct) {
  const auto wanted = [&](const char* kind) {
    return std::any_of(direct.begin(), direct.end(),
                       [&](const std::string& declared) { return declared.starts_with(kind); });
  };
  const bool udp = wanted("udp:");
  if (wanted("tcp:")) return udp ? std::span<const sock_filter>(tcp_udp) : tcp_no_udp;
  return udp ? std::span<const sock_filter>(no_tcp_udp) : no_tcp_no_udp;
}

}  // namespace

Status restrict_calls(const Declared& declared) {
  const auto filter = filter_for(declared.direct);
  std::vector<sock_filter> mine(filter.begin(), filter.end());
  for (auto& one : mine)
    if (one.k == own_pid) one.k = static_cast<uint32_t>(::getpid());
  const sock_fprog program{static_cast<unsigned short>(mine.size()), mine.data()};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
    return fail_errno("plugin.isolation", "the kernel takes no filter over system calls (seccomp)",
                      errno);
  return {};
}

}  // namespace hyops::plugin_host
