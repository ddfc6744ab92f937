// Whole small files: read, replaced atomically, and directories with the owner and mode they must
// have.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "error.hpp"

namespace hyops::labd {

namespace fs = std::filesystem;

std::optional<std::string> read_file(const fs::path& path);

// Readers see the old file or the new one, never a part, also after a crash.
Done write_atomic(const fs::path& path, std::string_view text, mode_t mode);

// In place, for files of /proc and freshly made trees where nobody reads yet.
Done write_plain(const fs::path& path, std::string_view text, mode_t mode = 0644);

struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

// Makes the directory if it is missing and gives it owner and mode either way. Parents must exist.
Done make_dir(const fs::path& path, mode_t mode, Owner owner = {});

// `bytes` random bytes of the kernel in lower-case hex.
std::string random_hex(size_t bytes);

}  // namespace hyops::labd
