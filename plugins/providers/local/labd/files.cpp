// Whole small files and directories.
#include "files.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "fd.hpp"

namespace hyops::labd {
namespace {

Done write_all(int fd, std::string_view text, const fs::path& path) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("write " + path.string());
    text.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace

std::optional<std::string> read_file(const fs::path& path) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return std::nullopt;
  std::string text;
  std::array<char, 8192> buffer;
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    if (n == 0) return text;
    text.append(buffer.data(), static_cast<size_t>(n));
  }
}

Done write_atomic(const fs::path& path, std::string_view text, mode_t mode) {
  const fs::path next = path.string() + ".next";
  {
    const Fd fd(open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (!fd.valid()) return fail_errno("open " + next.string());
    if (auto done = write_all(fd.get(), text, next); !done) return done;
    if (fchmod(fd.get(), mode) != 0 || fdatasync(fd.get()) != 0)
      return fail_errno("sync " + next.string());
  }
  if (rename(next.c_str(), path.c_str()) != 0) return fail_errno("rename " + next.string());
  const Fd folder(open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid() || fsync(folder.get()) != 0)
    return fail_errno("sync " + path.parent_path().string());
  return {};
}

Done write_plain(const fs::path& path, std::string_view text, mode_t mode) {
  const Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd.valid()) return fail_errno("open " + path.string());
  fchmod(fd.get(), mode);  // the umask does not decide; /proc refuses, which is fine there
  return write_all(fd.get(), text, path);
}

Done make_dir(const fs::path& path, mode_t mode, Owner owner) {
  if (mkdir(path.c_str(), mode) != 0 && errno != EEXIST)
    return fail_errno("mkdir " + path.string());
  if (lchown(path.c_str(), owner.uid, owner.gid) != 0) return fail_errno("chown " + path.string());
  if (chmod(path.c_str(), mode) != 0) return fail_errno("chmod " + path.string());
  return {};
}

std::string random_hex(size_t bytes) {
  std::vector<unsigned char> raw(bytes);
  size_t filled = 0;
  while (filled < bytes) {
    const ssize_t n = getrandom(raw.data() + filled, bytes - filled, 0);
    if (n > 0) filled += static_cast<size_t>(n);
  }
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : raw) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace hyops::labd
