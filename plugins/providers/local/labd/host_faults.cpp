// Makes a host's disk full and its clock wrong, from outside of it.
#include "host_faults.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checks.hpp"
#include "files.hpp"
#include "subprocess.hpp"

namespace hyops::labd {
namespace {

constexpr const char* small_disk = "hyops-lab-small-disk";

fs::path root_of(const ProcessIdentity& host) {
  return fs::path("/proc") / std::to_string(host.pid) / "root";
}

// The path with its parts resolved inside the host, where a link of the host cannot lead outside.
Result<std::string> directory_of(const ProcessIdentity& host, const std::string& path) {
  const fs::path wanted(path);
  if (!wanted.is_absolute() || wanted.lexically_normal() != wanted || wanted == "/" ||
      path.size() > 200)
    return invalid("\"" + path.substr(0, 200) + "\" is not an absolute path of a directory");
  fs::path at = root_of(host);
  for (const auto& part : wanted.relative_path()) {
    at /= part;
    if (!fs::is_directory(fs::symlink_status(at)))
      return fail(404, "disk.path", path + " is no directory of the host",
                  "name a directory that exists, without links");
  }
  return path;
}

Done in_its_mounts(const ProcessIdentity& host, std::vector<std::string> argv) {
  // umount reads /proc/self, which only processes of the host find in the host's /proc.
  argv.insert(argv.begin(),
              {"nsenter", "--mount", "--pid", "--target", std::to_string(host.pid), "--"});
  auto ran = run(argv);
  if (!ran) return tl::make_unexpected(ran.error());
  return {};
}

bool is_covered(const ProcessIdentity& host, const std::string& path) {
  const auto mounts =
      read_file(fs::path("/proc") / std::to_string(host.pid) / "mounts").value_or("");
  return mounts.find(std::string(small_disk) + " " + path + " ") != std::string::npos;
}

}  // namespace

Done fill_disk(const ProcessIdentity& host, const std::string& path) {
  auto place = directory_of(host, path);
  if (!place) return tl::make_unexpected(place.error());
  if (is_covered(host, path)) return {};
  struct stat was {};
  if (stat((root_of(host) / path.substr(1)).c_str(), &was) != 0) return fail_errno("stat " + path);
  char mode[8];
  snprintf(mode, sizeof mode, "%o", was.st_mode & 07777);
  return in_its_mounts(host, {"mount", "-t", "tmpfs", "-o",
                              "size=24m,mode=" + std::string(mode) + ",uid=" +
                                  std::to_string(was.st_uid) + ",gid=" + std::to_string(was.st_gid),
                              small_disk, path});
}

Done grow_disk(const ProcessIdentity& host, const std::string& path) {
  if (!is_covered(host, path)) return {};
  return in_its_mounts(host, {"umount", "--lazy", path});
}

Done step_clock(const ProcessIdentity& host, const std::string& seconds) {
  const bool back = seconds.starts_with("-");
  const std::string digits = seconds.substr(back ? 1 : 0);
  if (digits.empty() || digits.size() > 9 ||
      digits.find_first_not_of("0123456789") != std::string::npos)
    return invalid("a clock is stepped by whole seconds, at most nine digits");
  const int64_t offset_ns = (back ? -1 : 1) * std::stoll(digits) * 1'000'000'000;

  const fs::path etc = root_of(host) / "etc";
  const fs::path library = etc / "hyops-lab/clock.so";
  if (!fs::exists(library)) {
    const auto own = read_file(fs::read_symlink("/proc/self/exe").parent_path() / "lab-clock.so");
    if (!own)
      return fail(500, "clock.missing", "lab-clock.so is not beside hyops-labd",
                  "install the lab whole");
    if (auto done = make_dir(etc / "hyops-lab", 0755); !done) return done;
    if (auto done = write_plain(library, *own, 0755); !done) return done;
    if (auto done = write_plain(etc / "hyops-lab/offset", std::string(sizeof offset_ns, '\0'));
        !done)
      return done;
    if (auto done = write_plain(etc / "ld.so.preload", "/etc/hyops-lab/clock.so\n"); !done)
      return done;
  }
  // In place: running processes have the file mapped.
  const Fd file(open((etc / "hyops-lab/offset").c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid() ||
      pwrite(file.get(), &offset_ns, sizeof offset_ns, 0) != ssize_t{sizeof offset_ns})
    return fail_errno("write the clock's offset");
  return {};
}

}  // namespace hyops::labd
