// The secrets of a step as files that only the tool can see, and that end with it (K1).
#pragma once

#include <filesystem>
#include <vector>

#include "process/step_host.hpp"

namespace hyops::step_host {

// Moves this process into a mount namespace of its own, mounts a tmpfs at `folder` there and writes
// the files, mode 0400. No mount propagates out. Without root it uses a user namespace, and only if
// there is a file to write; where that is impossible it refuses (process.secrets.namespace) rather
// than let a secret reach a disk. The tool may keep what it derives from secrets on the tmpfs, too.
class SecretFolder {
 public:
  static Result<SecretFolder> create(const std::filesystem::path& folder,
                                     const std::vector<process::NamedSecret>& secrets);
  SecretFolder(SecretFolder&& other) noexcept;
  SecretFolder& operator=(SecretFolder&&) = delete;
  ~SecretFolder();
  bool apart() const { return mounted_; }  // this process is in a mount namespace of its own

 private:
  explicit SecretFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path folder_;
  bool mounted_ = false;
};

}  // namespace hyops::step_host
