// log.txt of a step: redacted before it reaches the disk, and cut with a mark where the disk is
// full.
#include "log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace hyops::step_host {

constexpr std::string_view end_mark =
    "\n[hyops] the disk was full here; the rest of the output is lost\n";

Result<Log> Log::create(const std::filesystem::path& file, const record::Redactor& redactor) {
  Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return fail_errno("process.step.file", "cannot make " + file.string(), errno);
  return Log(std::move(fd), redactor);
}

void Log::append(std::string_view output) { write(stream_.feed(output)); }

void Log::note(std::string_view sentence) {
  std::string line = line_open_ ? "\n[hyops] " : "[hyops] ";
  line += redactor_->redact(sentence);
  write(line + "\n");
}

void Log::finish() {
  write(stream_.finish());
  ::fsync(fd_.get());
}

void Log::write(std::string_view bytes) {
  while (complete_ && !bytes.empty()) {
    const ssize_t put = ::write(fd_.get(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      complete_ = false;
      mark_the_end();
      return;
    }
    size_ += put;
    line_open_ = bytes[static_cast<size_t>(put) - 1] != '\n';
    bytes.remove_prefix(static_cast<size_t>(put));
  }
}

// Over the last bytes that are there: overwriting needs no block that the disk does not have.
void Log::mark_the_end() {
  const int64_t at = std::max<int64_t>(0, size_ - static_cast<int64_t>(end_mark.size()));
  const ssize_t ignored = ::pwrite(fd_.get(), end_mark.data(), end_mark.size(), at);
  static_cast<void>(ignored);  // status.json says so, too
}

}  // namespace hyops::step_host
