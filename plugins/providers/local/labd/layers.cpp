// The writable layers of a host. Rule for /etc: what the machine does not show to everybody does
// not exist on a host. Rule for /var: a skeleton of empty directories, never the machine's content.
#include "layers.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <set>

#include "subprocess.hpp"
#include "zones.hpp"

namespace hyops::labd {
namespace {

// Hosts start without the services that this machine happens to have configured.
const std::set<std::string>& blank_in_etc() {
  static const std::set<std::string> names{"ssh",      "postgresql", "pgbackrest",
                                           "powerdns", "hyops",      "ansible"};
  return names;
}

Result<struct stat> look(const fs::path& path) {
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) return fail_errno("stat " + path.string());
  return info;
}

Done same_dir(const fs::path& path, const struct stat& model) {
  return make_dir(path, model.st_mode & 07777, {model.st_uid, model.st_gid});
}

// An empty directory that hides whatever the lower layer has under that name.
Done opaque_dir(const fs::path& path, const struct stat& model) {
  if (auto done = same_dir(path, model); !done) return done;
  if (setxattr(path.c_str(), "trusted.overlay.opaque", "y", 1, 0) != 0) {
    return fail_errno("make opaque " + path.string());
  }
  return {};
}

Done whiteout(const fs::path& path) {
  if (mknod(path.c_str(), S_IFCHR, makedev(0, 0)) != 0)
    return fail_errno("whiteout " + path.string());
  return {};
}

// Parents of `relative` in the upper layer, each like its twin in the lower one.
Done parents(const fs::path& lower, const fs::path& upper, const fs::path& relative) {
  fs::path so_far;
  for (const auto& part : relative.parent_path()) {
    so_far /= part;
    auto model = look(lower / so_far);
    if (!model) return tl::make_unexpected(model.error());
    if (auto done = same_dir(upper / so_far, *model); !done) return done;
  }
  return {};
}

Done hide_private_etc(const fs::path& upper) {
  const fs::path lower = "/etc";
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(lower, error);
       it != fs::recursive_directory_iterator(); it.increment(error)) {
    if (error) return fail(500, "system.call", "read /etc: " + error.message());
    const fs::path relative = fs::relative(it->path(), lower);
    const auto model = look(it->path());
    if (!model) continue;  // gone meanwhile: nothing to hide
    const bool is_dir = S_ISDIR(model->st_mode);
    const bool blank =
        relative.parent_path().empty() &&
        (blank_in_etc().contains(relative.string()) || relative.string().starts_with("pgbackrest"));
    const bool shown =
        S_ISLNK(model->st_mode) || (model->st_mode & (is_dir ? S_IXOTH : S_IROTH)) != 0;
    if (shown && !blank) continue;
    if (is_dir) it.disable_recursion_pending();
    if (auto done = parents(lower, upper, relative); !done) return done;
    auto done = is_dir ? opaque_dir(upper / relative, *model) : whiteout(upper / relative);
    if (!done) return done;
  }
  return {};
}

Done replace(const fs::path& path, std::string_view text, mode_t mode, Owner owner = {}) {
  std::error_code ignored;
  fs::remove(path, ignored);  // a whiteout may stand there
  if (auto done = write_plain(path, text, mode); !done) return done;
  if (lchown(path.c_str(), owner.uid, owner.gid) != 0) return fail_errno("chown " + path.string());
  return {};
}

// Every account of the machine exists, none has a password; "*" still allows login by key.
std::string shadow_of(const std::string& accounts, std::string_view tail) {
  std::string text;
  for (size_t at = 0; at < accounts.size();) {
    const auto end = std::min(accounts.find('\n', at), accounts.size());
    const auto name = accounts.substr(at, accounts.find(':', at) - at);
    if (!name.empty()) text += name + ":*" + std::string(tail) + "\n";
    at = end + 1;
  }
  return text;
}

constexpr std::string_view sshd_config =
    R"(# The lab's own: keys only, and nothing of this machine's configuration.
Port 22
AddressFamily inet
HostKey /etc/ssh/ssh_host_ed25519_key
PidFile none
PermitRootLogin prohibit-password
PubkeyAuthentication yes
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
MaxStartups 100
MaxSessions 100
SetEnv PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
AcceptEnv LANG LC_*
Subsystem sftp internal-sftp
)";

Result<std::string> make_host_key(const fs::path& ssh, const std::string& name) {
  const auto key = ssh / "ssh_host_ed25519_key";
  auto made = run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key.string()});
  if (!made) return made;
  auto line = read_file(key.string() + ".pub").value_or("");
  // type and key; the comment is not part of the identity
  const auto second = line.find(' ', line.find(' ') + 1);
  return line.substr(0, second);
}

Result<std::string> make_etc(const fs::path& upper, const HostSpec& spec) {
  if (auto done = hide_private_etc(upper); !done) return tl::make_unexpected(done.error());
  const Owner shadow_owner{0, [] {
                             struct stat info;
                             return stat("/etc/shadow", &info) == 0 ? info.st_gid : 0;
                           }()};
  const std::string hosts = "127.0.0.1 localhost\n" + spec.address + " " + spec.name + "." +
                            spec.zone + ".hyops.test " + spec.name + "\n";
  const std::string resolv =
      "nameserver " + std::string(resolver) + "\noptions timeout:1 attempts:2\n";
  const auto ssh = upper / "ssh";
  for (const auto& done : {
           make_dir(ssh, 0755),
           replace(upper / "hostname", spec.name + "\n", 0644),
           replace(upper / "hosts", hosts, 0644),
           replace(upper / "resolv.conf", resolv, 0644),
           replace(upper / "machine-id", random_hex(16) + "\n", 0444),
           replace(upper / "shadow",
                   shadow_of(read_file("/etc/passwd").value_or(""), ":19000:0:99999:7:::"), 0640,
                   shadow_owner),
           replace(upper / "gshadow", shadow_of(read_file("/etc/group").value_or(""), "::"), 0640,
                   shadow_owner),
           replace(ssh / "sshd_config", sshd_config, 0644),
           replace(ssh / "ssh_config", "Host *\n", 0644),
       }) {
    if (!done) return tl::make_unexpected(done.error());
  }
  return make_host_key(ssh, spec.name);
}

// Two levels of /var as empty directories: packages find their places with the right owners.
Done make_var(const fs::path& var) {
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator("/var", error);
       it != fs::recursive_directory_iterator(); it.increment(error)) {
    if (error) return fail(500, "system.call", "read /var: " + error.message());
    const auto model = look(it->path());
    if (!model || !S_ISDIR(model->st_mode)) continue;
    if (it.depth() >= 1) it.disable_recursion_pending();
    if (it->path().filename().string().starts_with("hyops")) {
      it.disable_recursion_pending();
      continue;
    }
    if (auto done = same_dir(var / fs::relative(it->path(), "/var"), *model); !done) return done;
  }
  for (const auto* place : {"lib", "log", "cache", "tmp", "lib/dpkg"}) {
    if (auto done = make_dir(var / place, std::string_view(place) == "tmp" ? 01777 : 0755); !done)
      return done;
  }
  for (const auto& [name, target] : {std::pair{"run", "/run"}, std::pair{"lock", "/run/lock"}}) {
    std::error_code ignored;
    fs::remove(var / name, ignored);
    fs::create_symlink(target, var / name, error);
  }
  return {};
}

}  // namespace

Result<std::string> make_layers(const fs::path& dir, const HostSpec& spec) {
  if (mkdir(dir.c_str(), 0700) != 0) return fail_errno("mkdir " + dir.string());
  for (const auto* part : {"mnt", "usr", "usr.work", "etc", "etc.work", "dpkg", "dpkg.work", "var",
                           "home", "srv", "opt"}) {
    if (auto done = make_dir(dir / part, 0755); !done) return tl::make_unexpected(done.error());
  }
  std::string keys;
  for (const auto& key : spec.authorized_keys) keys += key + "\n";
  for (const auto& done : {make_dir(dir / "root", 0700), make_dir(dir / "root/.ssh", 0700),
                           write_plain(dir / "root/.ssh/authorized_keys", keys, 0600),
                           write_plain(dir / "console.log", "", 0600), make_var(dir / "var")}) {
    if (!done) return tl::make_unexpected(done.error());
  }
  if (spec.image == "web") {
    if (auto done = make_dir(dir / "srv/www", 0755); !done)
      return tl::make_unexpected(done.error());
    auto page = write_plain(dir / "srv/www/index.html", "the outside of the hyops lab\n");
    if (!page) return tl::make_unexpected(page.error());
  }
  return make_etc(dir / "etc", spec);
}

}  // namespace hyops::labd
