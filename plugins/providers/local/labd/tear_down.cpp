// Finds and removes everything a lab ever made, however much of it is left, and says what it could
// not.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>

#include "commands.hpp"
#include "files.hpp"
#include "host_group.hpp"
#include "process_identity.hpp"
#include "router.hpp"
#include "state.hpp"
#include "subprocess.hpp"

namespace hyops::labd {
namespace {

// By what the state remembers and by what the process table shows: either alone may be incomplete.
void end_processes(const LabPaths& paths, std::vector<std::string>& left) {
  // The daemon first, or it would start what we end.
  std::vector<ProcessIdentity> ours = find_ours("serve", paths.dir.string());
  if (const auto state = load_state(paths)) {
    for (const auto& [name, host] : state->hosts) ours.push_back(host.process);
  }
  for (const auto& process : ours) {
    if (!end_process(process, SIGKILL, 5000))
      left.push_back("process " + std::to_string(process.pid));
  }
  for (const auto& process : find_ours("init", paths.dir.string())) {
    if (!end_process(process, SIGKILL, 5000))
      left.push_back("host process " + std::to_string(process.pid));
  }
  for (const auto& keeper : find_ours("keep", paths.dir.string()))
    if (keeper.pid != getpid() && !end_process(keeper, SIGKILL, 5000))
      left.push_back("process " + std::to_string(keeper.pid));
}

void remove_router(const Marker& marker, std::vector<std::string>& left) {
  const auto router = router_name(marker.name);
  if (marker.netns_inode == 0) return;  // we never got as far as making it
  const auto present = netns_inode(router);
  if (present != 0 && present != marker.netns_inode) return;  // another one that only has our name
  if (fs::exists("/run/netns/" + router)) {
    if (auto ran = run({"ip", "netns", "del", router}); !ran)
      left.push_back("network namespace " + router + ": " + ran.error().message);
  }
  for (const pid_t pid : processes_in_netns(marker.netns_inode)) {
    left.push_back("process " + std::to_string(pid) +
                   " is in the router's network namespace and was not started by the lab");
  }
  std::error_code error;
  if (marker.made_netns_mount && fs::is_empty("/run/netns", error) && !error)
    umount2("/run/netns", MNT_DETACH);
}

// Only what a lab's directory may hold is removed; a stranger's file keeps the directory alive.
void remove_files(const LabPaths& paths, const Marker& marker, std::vector<std::string>& left) {
  std::error_code error;
  for (const auto& path :
       {paths.hosts(), paths.images(), paths.tokens(), paths.socket(), paths.state(), paths.log(),
        paths.lock(), paths.dir / "serve.lock", fs::path(paths.state().string() + ".next"),
        fs::path(paths.marker().string() + ".next")}) {
    fs::remove_all(path, error);
    if (error) left.push_back(path.string() + ": " + error.message());
  }
  if (!left.empty())
    return;  // the marker stays, so that the next `down` still knows what to look for
  fs::remove(paths.marker(), error);
  if (marker.made_dir) {
    fs::remove(paths.dir, error);
    if (error) left.push_back(paths.dir.string() + ": " + error.message());
  }
}

}  // namespace

Result<std::vector<std::string>> tear_down(const LabPaths& paths, const std::string& name) {
  std::vector<std::string> left;
  auto marker = load_marker(paths);
  if (!marker && marker.error().code != "lab.absent") {
    // Damaged: what it would say can be told from the name, but not whether the directory was ours.
    marker = Marker{name, netns_inode(router_name(name)), false, false};
  }
  end_processes(paths, left);
  if (!marker)
    return left;  // no lab here; stray processes of a directory removed by hand are gone now
  if (auto group = remove_groups(marker->name); !group.empty()) left.push_back(std::move(group));
  remove_router(*marker, left);
  remove_files(paths, *marker, left);
  return left;
}

Result<std::vector<std::string>> keep(const LabPaths& paths, const std::string& name, pid_t with) {
  if (const Fd process = open_pidfd(identify(with)); process.valid()) {
    pollfd ending{process.get(), POLLIN, 0};
    while (poll(&ending, 1, -1) < 0 && errno == EINTR) continue;
  }
  return tear_down(paths, name);
}

}  // namespace hyops::labd
