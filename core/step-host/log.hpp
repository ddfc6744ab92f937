// log.txt of a step: redacted before it reaches the disk, visible at once, and never the reason
// that a tool dies.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/file.hpp"
#include "record/redact.hpp"

namespace hyops::step_host {

class Log {
 public:
  static Result<Log> create(const std::filesystem::path& file, const record::Redactor& redactor);

  void append(std::string_view output);  // of the tool; what might begin a secret waits
  void note(std::string_view sentence);  // of the host, on a line of its own beginning with [hyops]
  void finish();                         // releases what waited, and syncs
  // False once the disk was full: from there the log is silent, its last line says so, and the tool
  // runs on.
  bool complete() const { return complete_; }

 private:
  Log(Fd fd, const record::Redactor& redactor)
      : fd_(std::move(fd)), redactor_(&redactor), stream_(redactor) {}
  void write(std::string_view bytes);
  void mark_the_end();

  Fd fd_;
  const record::Redactor* redactor_;
  record::Redactor::Stream stream_;
  int64_t size_ = 0;
  bool line_open_ = false;
  bool complete_ = true;
};

}  // namespace hyops::step_host
