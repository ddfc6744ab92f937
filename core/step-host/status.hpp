// status.json, written last and also when the disk is full: its room is taken before the tool
// starts.
#pragma once

#include <filesystem>

#include "base/file.hpp"
#include "process/step_host.hpp"

namespace hyops::step_host {

class StatusFile {
 public:
  static Result<StatusFile> reserve(const std::filesystem::path& folder);
  // Written, synced and renamed into place: it is there whole or not at all.
  Status keep(const process::ToolStatus& status);

 private:
  StatusFile(std::filesystem::path folder, Fd fd)
      : folder_(std::move(folder)), fd_(std::move(fd)) {}
  std::filesystem::path folder_;
  Fd fd_;
};

}  // namespace hyops::step_host
