// Assembles a host's root file system inside its own mount namespace and moves into it.
#include "rootfs.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace hyops::labd {
namespace {

Done mount_at(const char* source, const fs::path& target, const char* type, unsigned long flags,
              const std::string& options = {}) {
  if (mount(source, target.c_str(), type, flags, options.empty() ? nullptr : options.c_str()) !=
      0) {
    return fail_errno("mount " + std::string(type ? type : "bind") + " at " + target.string());
  }
  return {};
}

Done bind(const fs::path& source, const fs::path& target) {
  return mount_at(source.c_str(), target, nullptr, MS_BIND);
}

Done bind_read_only(const fs::path& source, const fs::path& target) {
  if (auto done = bind(source, target); !done) return done;
  return mount_at(nullptr, target, nullptr,
                  MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
}

Done overlay(const std::string& lower, const fs::path& upper, const fs::path& target) {
  return mount_at(
      "overlay", target, "overlay", 0,
      "lowerdir=" + lower + ",upperdir=" + upper.string() + ",workdir=" + upper.string() + ".work");
}

Done make_dev(const fs::path& dev) {
  for (const auto& done :
       {mount_at("dev", dev, "tmpfs", MS_NOSUID, "mode=755,size=1m"), make_dir(dev / "pts", 0755),
        make_dir(dev / "shm", 01777), make_dir(dev / "net", 0755),
        mount_at("devpts", dev / "pts", "devpts", MS_NOSUID | MS_NOEXEC,
                 "newinstance,ptmxmode=0666,mode=620,gid=5"),
        mount_at("shm", dev / "shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")}) {
    if (!done) return done;
  }
  // Bind mounts rather than mknod: a host never needs the right to make device nodes.
  for (const auto* node : {"null", "zero", "full", "random", "urandom", "tty", "net/tun"}) {
    const fs::path source = fs::path("/dev") / node;
    if (access(source.c_str(), F_OK) != 0) continue;
    if (auto done = write_plain(dev / node, "", 0666); !done) return done;
    if (auto done = bind(source, dev / node); !done) return done;
  }
  std::error_code error;
  fs::create_symlink("pts/ptmx", dev / "ptmx", error);
  fs::create_symlink("/proc/self/fd", dev / "fd", error);
  fs::create_symlink("/proc/self/fd/0", dev / "stdin", error);
  fs::create_symlink("/proc/self/fd/1", dev / "stdout", error);
  fs::create_symlink("/proc/self/fd/2", dev / "stderr", error);
  return {};
}

// A host must not tune or reset the machine; its own network's settings are its own.
Done guard_proc(const fs::path& proc) {
  for (const auto* part : {"sysrq-trigger", "sys/kernel", "sys/vm", "sys/fs", "sys/dev"}) {
    if (access((proc / part).c_str(), F_OK) != 0) continue;
    if (auto done = bind_read_only(proc / part, proc / part); !done) return done;
  }
  return {};
}

Done make_run(const fs::path& run) {
  for (const auto& done : {mount_at("run", run, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755"),
                           make_dir(run / "lock", 01777), make_dir(run / "sshd", 0755)}) {
    if (!done) return done;
  }
  // What systemd-tmpfiles would do at boot for the database.
  if (const passwd* postgres = getpwnam("postgres")) {
    return make_dir(run / "postgresql", 02775, {postgres->pw_uid, postgres->pw_gid});
  }
  return {};
}

// A machine that was reset has booted again, and whoever remembers a process of before must see so:
// the kernel is the same one, so its boot id is covered by one of this boot.
Done give_boot_id(const fs::path& root) {
  const auto fresh = read_file("/proc/sys/kernel/random/uuid");
  if (!fresh) return fail_errno("read a fresh boot id");
  if (auto done = write_plain(root / "run/boot_id", *fresh, 0444); !done) return done;
  return bind(root / "run/boot_id", root / "proc/sys/kernel/random/boot_id");
}

Done link_merged_usr(const fs::path& root) {
  for (const auto* name : {"bin", "sbin", "lib", "lib32", "lib64", "libx32"}) {
    const fs::path here = fs::path("/") / name;
    std::error_code error;
    if (!fs::exists(fs::symlink_status(here))) continue;
    if (!fs::is_symlink(here)) {
      return fail(500, "machine.layout",
                  here.string() + " is a directory: the lab needs Debian's merged /usr",
                  "use a Debian 12 machine");
    }
    fs::copy_symlink(here, root / name, error);
    if (error) return fail(500, "system.call", "link " + here.string() + ": " + error.message());
  }
  return {};
}

Done pivot(const fs::path& root) {
  if (chdir(root.c_str()) != 0) return fail_errno("chdir " + root.string());
  // New and old root on the same place: no directory for the old one is needed.
  if (syscall(SYS_pivot_root, ".", ".") != 0) return fail_errno("pivot_root");
  if (umount2(".", MNT_DETACH) != 0) return fail_errno("detach the old root");
  if (chdir("/") != 0) return fail_errno("chdir /");
  return {};
}

}  // namespace

Done enter_root(const RootPlan& plan) {
  umask(022);
  const fs::path root = plan.host_dir / "mnt";
  const fs::path& dir = plan.host_dir;
  // First of all: from here on no mount of ours propagates to the machine.
  if (auto done = mount_at(nullptr, "/", nullptr, MS_REC | MS_PRIVATE); !done) return done;
  if (auto done = mount_at("root", root, "tmpfs", 0, "mode=755,size=16m"); !done) return done;
  if (auto done = link_merged_usr(root); !done) return done;
  for (const auto* name : {"usr", "etc", "var", "root", "home", "srv", "opt", "proc", "sys", "dev",
                           "run", "tmp", "mnt", "media", "boot"}) {
    if (auto done = make_dir(root / name, 0755); !done) return done;
  }
  const std::string usr = plan.runner_layer.empty() ? "/usr" : plan.runner_layer.string() + ":/usr";
  for (const auto& done :
       {overlay(usr, dir / "usr", root / "usr"), overlay("/etc", dir / "etc", root / "etc"),
        bind(dir / "var", root / "var")}) {
    if (!done) return done;
  }
  for (const auto* name : {"root", "home", "srv", "opt"}) {
    if (auto done = bind(dir / name, root / name); !done) return done;
  }
  if (fs::is_directory("/var/lib/dpkg")) {
    if (auto done = overlay("/var/lib/dpkg", dir / "dpkg", root / "var/lib/dpkg"); !done)
      return done;
  }
  if (auto done = mount_at("proc", root / "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC); !done)
    return done;
  if (auto done = guard_proc(root / "proc"); !done) return done;
  if (auto done =
          mount_at("sysfs", root / "sys", "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
      !done) {
    return done;
  }
  if (plan.groups)
    if (auto done = mount_at("cgroup2", root / "sys/fs/cgroup", "cgroup2",
                             MS_NOSUID | MS_NODEV | MS_NOEXEC);
        !done)
      return done;
  if (auto done = make_dev(root / "dev"); !done) return done;
  if (auto done = make_run(root / "run"); !done) return done;
  if (auto done = give_boot_id(root); !done) return done;
  if (auto done = mount_at("tmp", root / "tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"); !done)
    return done;
  return pivot(root);
}

}  // namespace hyops::labd
