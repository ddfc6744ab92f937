#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

namespace hyops {
namespace fs = std::filesystem;

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int Fd::release() { return std::exchange(fd_, -1); }

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<TempDir> TempDir::create(const fs::path& parent, std::string_view prefix) {
  std::string name = (parent / (std::string(prefix) + "-XXXXXX")).string();
  if (!::mkdtemp(name.data()))
    return fail_errno("file.write", "cannot make a folder in " + parent.string(), errno);
  return TempDir(name);
}

TempDir::TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}

TempDir::~TempDir() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

Status read_chunks(const fs::path& file, const std::function<void(std::string_view)>& take) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("file.open", "cannot open " + file.string(), errno);
  // What fits the cache: more costs more in page faults than it saves in calls.
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("file.read", "cannot read " + file.string(), errno);
    if (got == 0) return {};
    take(std::string_view(buffer.data(), static_cast<size_t>(got)));
  }
}

Result<std::string> read_file(const fs::path& file, size_t max_bytes) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return fail_errno("file.open", "cannot open " + file.string(), errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return fail("file.kind", file.string() + " is not a regular file");
  std::string out;
  out.reserve(std::min<size_t>(static_cast<size_t>(info.st_size), max_bytes) + 1);
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("file.read", "cannot read " + file.string(), errno);
    if (got == 0) return out;
    if (out.size() + static_cast<size_t>(got) > max_bytes)
      return fail("file.too_large",
                  file.string() + " has more than " + std::to_string(max_bytes) + " bytes");
    out.append(buffer, static_cast<size_t>(got));
  }
}

Status write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno("file.write", "cannot write", errno);
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return {};
}

Status write_file(const fs::path& file, std::string_view contents, mode_t mode, Durable durable) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  std::string beside = (folder / ("." + file.filename().string() + ".XXXXXX")).string();
  Fd fd(::mkostemp(beside.data(), O_CLOEXEC));
  if (!fd) return fail_errno("file.write", "cannot write in " + folder.string(), errno);
  auto written = write_all(fd.get(), contents);
  const bool kept = written && ::fchmod(fd.get(), mode) == 0 &&
                    (durable == Durable::no || ::fsync(fd.get()) == 0) &&
                    ::rename(beside.c_str(), file.c_str()) == 0;
  if (!kept) {
    const int reason = errno;
    ::unlink(beside.c_str());
    return fail_errno("file.write", "cannot write " + file.string(), reason);
  }
  if (durable == Durable::no) return {};
  const Fd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory) ::fsync(directory.get());
  return {};
}

Status make_folders(const fs::path& folder) {
  std::vector<fs::path> missing;
  for (fs::path at = folder; !at.empty(); at = at.parent_path()) {
    struct stat info {};
    if (::stat(at.c_str(), &info) == 0) {
      if (!S_ISDIR(info.st_mode))
        return fail("file.write", at.string() + " is in the way: it is not a folder");
      break;
    }
    missing.push_back(at);
  }
  for (auto it = missing.rbegin(); it != missing.rend(); ++it)
    if (::mkdir(it->c_str(), 0700) != 0 && errno != EEXIST)
      return fail_errno("file.write", "cannot make the folder " + it->string(), errno);
  return {};
}

Status copy_tree(const fs::path& from, const fs::path& to) {
  std::error_code problem;
  if (auto made = make_folders(to); !made) return made;
  for (fs::recursive_directory_iterator it(from, problem), end; !problem && it != end;
       it.increment(problem)) {
    const auto status = it->symlink_status(problem);
    if (problem) break;
    const fs::path target = to / it->path().lexically_relative(from);
    if (fs::is_directory(status)) {
      if (auto made = make_folders(target); !made) return made;
      continue;
    }
    if (!fs::is_regular_file(status))
      return fail("file.name", it->path().string() + " is neither a file nor a folder");
    if (!fs::copy_file(it->path(), target, problem)) break;
    const bool runs = (status.permissions() & fs::perms::owner_exec) != fs::perms::none;
    if (::chmod(target.c_str(), runs ? 0700 : 0600) != 0)
      return fail_errno("file.write", "cannot set the mode of " + target.string(), errno);
  }
  if (problem) return fail("file.write", "cannot copy " + from.string() + ": " + problem.message());
  return {};
}

bool is_name(std::string_view name) {
  const auto small = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > 64 || !small(name.front())) return false;
  if (name.find("..") != std::string_view::npos) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return small(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_path_name(std::string_view name) {
  const size_t slash = name.find('/');
  return slash != std::string_view::npos && is_name(name.substr(0, slash)) &&
         is_name(name.substr(slash + 1));
}

}  // namespace hyops
