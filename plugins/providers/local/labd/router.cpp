// The router of the lab: bridges, addresses, forwarding.
#include "router.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/stat.h>

#include "fd.hpp"
#include "files.hpp"
#include "ruleset.hpp"
#include "subprocess.hpp"
#include "zones.hpp"

namespace hyops::labd {

std::string router_name(const std::string& lab) { return lab + "-router"; }

ino_t netns_inode(const std::string& netns) {
  struct stat info, folder;
  const auto path = "/run/netns/" + netns;
  if (stat(path.c_str(), &info) != 0 || stat("/run/netns", &folder) != 0) return 0;
  // A plain file on the folder's own device is a name whose namespace is gone.
  return info.st_dev == folder.st_dev ? 0 : info.st_ino;
}

Done enter_netns(const std::string& netns) {
  const auto path = "/run/netns/" + netns;
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid() || setns(fd.get(), CLONE_NEWNET) != 0) return fail_errno("enter " + path);
  return {};
}

Done build_router() {
  struct Setting {
    const char* path;
    const char* value;
  };
  // Off: IPv6, which the lab does not speak, and bridged packets passing through the router's
  // filter.
  for (const auto& [path, value] : {Setting{"/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"},
                                    Setting{"/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"},
                                    Setting{"/proc/sys/net/bridge/bridge-nf-call-iptables", "0"},
                                    Setting{"/proc/sys/net/ipv4/ip_forward", "1"}}) {
    if (!fs::exists(path)) continue;
    if (auto done = write_plain(path, value); !done) return done;
  }
  std::string batch = "link set lo up\n";
  for (const auto& zone : zones) {
    const std::string bridge(zone.bridge);
    if (if_nametoindex(bridge.c_str()) != 0) continue;
    const int prefix = network_of(zone).prefix;
    batch += "link add name " + bridge + " address " + ethernet_of(zone.gateway) +
             " type bridge\naddr add " + std::string(zone.gateway) + "/" + std::to_string(prefix) +
             " dev " + bridge + "\nlink set " + bridge + " up\n";
  }
  if (auto ran = run({"ip", "-batch", "-"}, batch); !ran) return tl::make_unexpected(ran.error());
  return ruleset::install();
}

}  // namespace hyops::labd
