// The secrets of a step on a tmpfs in a mount namespace that nobody else is in.
#include "secrets.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "base/file.hpp"

namespace hyops::step_host {
namespace fs = std::filesystem;
namespace {

constexpr size_t room = 4u << 20;  // for what a tool derives from its secrets

Failure impossible(const std::string& what, int reason) {
  return fail_errno("process.secrets.namespace", what, reason);
}

Status write_proc(const char* file, const std::string& text) {
  const Fd fd(::open(file, O_WRONLY | O_CLOEXEC));
  if (!fd || ::write(fd.get(), text.data(), text.size()) < 0)
    return impossible(std::string("cannot write ") + file, errno);
  return {};
}

// Keeps the numbers of user and group, so that files look the same inside and outside.
Status enter_user_namespace() {
  const std::string uid = std::to_string(::geteuid()), gid = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
    return impossible("cannot make a user and mount namespace for the secrets of this step", errno);
  // The maps belong to root while the process may not be dumped; nothing else happens in between.
  ::prctl(PR_SET_DUMPABLE, 1);
  Status done = write_proc("/proc/self/setgroups", "deny");
  if (done) done = write_proc("/proc/self/uid_map", uid + " " + uid + " 1");
  if (done) done = write_proc("/proc/self/gid_map", gid + " " + gid + " 1");
  ::prctl(PR_SET_DUMPABLE, 0);
  return done;
}

Status enter_mount_namespace() {
  if (::unshare(CLONE_NEWNS) != 0) {
    if (errno != EPERM)
      return impossible("cannot make a mount namespace for the secrets of this step", errno);
    if (auto entered = enter_user_namespace(); !entered) return entered;
  }
  // Slave: nothing mounted here is seen outside; what others unmount outside goes away here as
  // well, so that a tool in flight does not hold their file systems.
  if (::mount("none", "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    return impossible("cannot separate the mounts of this step from the machine's", errno);
  return {};
}

Status mount_tmpfs(const fs::path& folder, size_t size, size_t files) {
  const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  const std::string options =
      "mode=0700,size=" + std::to_string(size) + ",nr_inodes=" + std::to_string(files);
  // noswap is known since Linux 6.4 and not for user namespaces.
  if (::mount("hyops-secrets", folder.c_str(), "tmpfs", flags, (options + ",noswap").c_str()) == 0)
    return {};
  if (::mount("hyops-secrets", folder.c_str(), "tmpfs", flags, options.c_str()) == 0) return {};
  return impossible("cannot mount a tmpfs for the secrets of this step", errno);
}

Status write_secret(const fs::path& file, std::string_view bytes) {
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400));
  if (!fd) return fail_errno("file.write", "cannot make " + file.string(), errno);
  return write_all(fd.get(), bytes);
}

}  // namespace

SecretFolder::SecretFolder(SecretFolder&& other) noexcept
    : folder_(std::exchange(other.folder_, {})), mounted_(std::exchange(other.mounted_, false)) {}

SecretFolder::~SecretFolder() {
  if (folder_.empty()) return;
  if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  ::rmdir(folder_.c_str());
}

Result<SecretFolder> SecretFolder::create(const fs::path& folder,
                                          const std::vector<process::NamedSecret>& secrets) {
  size_t files = 0, bytes = 0;
  for (const auto& secret : secrets) {
    if (secret.file.empty()) continue;
    ++files;
    bytes += (secret.value.size() / 4096 + 1) * 4096;
  }
  struct stat info {};
  if (::mkdir(folder.c_str(), 0700) != 0 &&
      (errno != EEXIST || ::lstat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)))
    return fail_errno("process.step.file", "cannot make " + folder.string(), errno);
  SecretFolder made(folder);
  if (files == 0 && ::geteuid() != 0) {
    ::chmod(folder.c_str(), 0500);  // a disk: nothing is to be kept there
    return made;
  }
  if (auto entered = enter_mount_namespace(); !entered) return Failure(entered.error());
  if (auto mounted = mount_tmpfs(folder, bytes + room, files + 1024); !mounted)
    return Failure(mounted.error());
  made.mounted_ = true;
  for (const auto& secret : secrets)
    if (!secret.file.empty())
      if (auto put = write_secret(folder / secret.file, secret.value.reveal()); !put)
        return Failure(put.error());
  return made;
}

}  // namespace hyops::step_host
