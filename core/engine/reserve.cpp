#include "engine/reserve.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.hpp"

namespace hyops::engine {
namespace {

constexpr uint64_t least = uint64_t{1} << 20, most = uint64_t{16} << 20;

std::filesystem::path reserve_of(const std::filesystem::path& home) {
  return home / "evidence.reserve";
}

std::string mib(uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

Status require_room(const std::filesystem::path& home) {
  const auto file = reserve_of(home);
  struct statvfs disk {};
  if (::statvfs(home.c_str(), &disk) != 0)
    return fail_errno("engine.disk.reserve", "cannot see how full " + home.string() + " is", errno);
  const uint64_t wanted =
      std::clamp<uint64_t>(uint64_t{disk.f_blocks} * disk.f_frsize / 16, least, most);
  struct stat kept {};
  if (::stat(file.c_str(), &kept) != 0 ||
      static_cast<uint64_t>(kept.st_blocks) * 512 < std::min(wanted, most)) {
    const Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    const int problem = fd ? ::posix_fallocate(fd.get(), 0, static_cast<off_t>(wanted)) : errno;
    if (problem != 0) {
      give_up_room(home);
      return fail_errno("engine.disk.reserve",
                        "cannot keep " + mib(wanted) + " of " + home.string() + " for evidence",
                        problem);
    }
    if (::statvfs(home.c_str(), &disk) != 0) disk.f_bavail = 0;
  }
  const uint64_t left = uint64_t{disk.f_bavail} * disk.f_frsize;
  if (left < wanted)
    return fail("engine.disk.reserve", home.string() + " has " + mib(left) + " left; at least " +
                                           mib(wanted) + " must be free beside the reserve");
  return {};
}

void give_up_room(const std::filesystem::path& home) { ::unlink(reserve_of(home).c_str()); }

}  // namespace hyops::engine
