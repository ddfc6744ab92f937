// status.json: overwritten in blocks that were taken beforehand, so that an exit status needs no
// free disk.
#include "status.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "process/step_files.hpp"

namespace hyops::step_host {

constexpr size_t reserved = 4096;  // more than the longest status: reasons are cut at 400 bytes
constexpr const char* reserve_name = ".status.reserve";

Result<StatusFile> StatusFile::reserve(const std::filesystem::path& folder) {
  const auto file = folder / reserve_name;
  Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return fail_errno("process.step.file", "cannot make " + file.string(), errno);
  if (const int reason = ::posix_fallocate(fd.get(), 0, reserved); reason != 0)
    return fail_errno("process.step.file", "cannot reserve the room for the exit status", reason);
  return StatusFile(folder, std::move(fd));
}

Status StatusFile::keep(const process::ToolStatus& status) {
  auto text = canonical(process::step_files::to_json(status));
  if (!text) return Failure(text.error());
  const auto put = ::pwrite(fd_.get(), text->data(), text->size(), 0);
  const auto file = folder_ / process::step_files::status_name;
  if (put != static_cast<ssize_t>(text->size()) || ::ftruncate(fd_.get(), put) != 0 ||
      ::fsync(fd_.get()) != 0 || ::rename((folder_ / reserve_name).c_str(), file.c_str()) != 0)
    return fail_errno("process.step.file", "cannot write " + file.string(), errno);
  const Fd directory(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory) ::fsync(directory.get());
  return {};
}

}  // namespace hyops::step_host
