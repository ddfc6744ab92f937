// Nobody but the owner can change a chain of folders in which every link passes this check, so that
// checking it by path, once, is enough.
#include "plugin/ownership.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace hyops::plugin {
namespace {

namespace fs = std::filesystem;

Status check_one(const fs::path& at) {
  struct stat about {};
  if (::lstat(at.c_str(), &about) != 0) return {};  // whoever opens it will say so
  const uid_t us = ::geteuid();
  if (about.st_uid != 0 && about.st_uid != us)
    return fail("plugin.folder.owner",
                at.string() + " belongs to user " + std::to_string(about.st_uid) + ", not to root" +
                    (us == 0 ? "" : " or to user " + std::to_string(us) + ", whose hyops this is"));
  const bool shared =
      (about.st_mode & S_IWOTH) != 0 || ((about.st_mode & S_IWGRP) != 0 && about.st_gid != 0);
  if (shared && !S_ISLNK(about.st_mode) && !(S_ISDIR(about.st_mode) && (about.st_mode & S_ISVTX)))
    return fail("plugin.folder.writable", at.string() + " can be written by others than its owner");
  return {};
}

bool is_below(const fs::path& path, const fs::path& base) {
  const auto rest = path.lexically_relative(base);
  return !rest.empty() && rest != "." && *rest.begin() != "..";
}

}  // namespace

Status check_owner(const fs::path& path, const fs::path& base) {
  std::error_code problem;
  const fs::path real = fs::weakly_canonical(path, problem);
  if (problem) return fail("plugin.folder.owner", path.string() + ": " + problem.message());
  const fs::path start = base.empty() ? fs::path() : fs::weakly_canonical(base, problem);
  fs::path at = "/";
  const bool below = !start.empty() && is_below(real, start);
  if (below) at = start;
  if (!below)
    if (auto good = check_one(at); !good) return good;
  for (const auto& part : below ? real.lexically_relative(start) : real.relative_path()) {
    at /= part;
    if (auto good = check_one(at); !good) return good;
  }
  return {};
}

}  // namespace hyops::plugin
