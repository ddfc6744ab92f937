// The control group that holds, made and removed by whoever starts something in it.
#include "process/metadata.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "process/fork_exec.hpp"
#include "process/metadata_filter.hpp"

namespace hyops::process {
namespace {

// Where systemd mounts the one hierarchy that counts; the second beside those of version 1.
Result<std::string> control_groups() {
  struct statfs found {};
  for (const char* place : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"})
    if (::statfs(place, &found) == 0 && found.f_type == CGROUP2_SUPER_MAGIC)
      return std::string(place);
  return fail("process.metadata",
              "control groups of version 2 are not mounted under /sys/fs/cgroup");
}

Result<std::string> our_group() {
  auto top = control_groups();
  if (!top) return top;
  auto lines = read_file("/proc/self/cgroup", 1u << 20);
  if (!lines) return pass(lines);
  for (const auto& line : split(*lines, '\n'))
    if (line.starts_with("0::/")) return *top + (line == "0::/" ? "" : line.substr(3));
  return fail("process.metadata", "this process is in no control group of version 2");
}

constexpr const char* prefix = "hyops-";

// In the group, between fork and exec: only what is safe there. The exit status is what it met.
[[noreturn]] void try_to_connect() {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(80);
  to.sin_addr.s_addr = htonl(metadata_address);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int done = ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  ::_exit(done == 0 ? 0 : errno);
}

}  // namespace

const char* name(Metadata metadata) {
  return metadata == Metadata::refused    ? "refused"
         : metadata == Metadata::declared ? "declared"
                                          : "open";
}

Metadata metadata_named(std::string_view said) {
  for (const Metadata each : {Metadata::refused, Metadata::declared})
    if (said == name(each)) return each;
  return Metadata::open;
}

Result<NoMetadata> NoMetadata::create() {
  const auto above = our_group();
  if (!above) return Failure(above.error());
  Fd parent(::open(above->c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::string made = *above + "/" + prefix + "XXXXXX";
  if (!parent || ::mkdtemp(made.data()) == nullptr)
    return fail_errno("process.metadata", "cannot make a control group in " + *above, errno);
  NoMetadata group(std::move(parent), made.substr(above->size() + 1),
                   Fd(::open(made.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
  if (!group.folder_) return fail_errno("process.metadata", "cannot open " + made, errno);
  // As long as one of us has it open, it has an owner.
  (void)::flock(group.folder(), LOCK_SH | LOCK_NB);
  if (auto holds = refuse_metadata(group.folder()); !holds) return Failure(holds.error());
  return group;
}

// By the descriptor of the group above: the way to it may be closed for us by now.
NoMetadata::~NoMetadata() {
  if (above_) ::unlinkat(above_.get(), name_.c_str(), AT_REMOVEDIR);
}

void remove_left_groups() {
  const auto above = our_group();
  if (!above) return;
  std::error_code problem;
  for (std::filesystem::directory_iterator it(*above, problem), end; !problem && it != end;
       it.increment(problem)) {
    if (!it->path().filename().string().starts_with(prefix)) continue;
    const Fd folder(::open(it->path().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat made {};
    if (!folder || ::fstat(folder.get(), &made) != 0) continue;
    if (made.st_mtime > system_clock().wall_ms() / 1000 - 60) continue;
    if (::flock(folder.get(), LOCK_EX | LOCK_NB) == 0) ::rmdir(it->path().c_str());
  }
}

Guard keep_from_metadata(Metadata wanted) {
  if (wanted == Metadata::declared) return {Metadata::declared, {}, {}};
  auto group = NoMetadata::create();
  if (!group) return {Metadata::open, group.error().message, {}};
  return {Metadata::refused, {}, std::move(*group)};
}

Status examine_metadata() {
  auto group = NoMetadata::create();
  if (!group) return Failure(group.error());
  const pid_t pid = fork_into(group->folder());
  if (pid < 0)
    return fail_errno("process.metadata", "cannot start a process in a control group", errno);
  if (pid == 0) try_to_connect();
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == EPERM) return {};
  return fail("process.metadata",
              "a process that was to be refused the metadata service was not refused");
}

Status close_control_groups() {
  const auto place = control_groups();
  if (!place) return Failure(place.error());
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  if (::mount_setattr(AT_FDCWD, place->c_str(), 0, &attributes, sizeof attributes) != 0)
    return fail_errno("process.metadata", "cannot close " + *place + " for writing", errno);
  return {};
}

}  // namespace hyops::process
