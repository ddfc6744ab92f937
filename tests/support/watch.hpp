// Waits for what a tool says, without looking again and again.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/file.hpp"

namespace hyops::tests {

// Returns when the log of this step's folder holds the words; a test that never sees them is ended
// by ctest.
inline void until_log_has(const std::filesystem::path& folder, const std::string& words) {
  const Fd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  ASSERT_GE(::inotify_add_watch(watch.get(), folder.c_str(), IN_MODIFY | IN_CREATE), 0);
  while (read_file(folder / "log.txt").value_or("").find(words) == std::string::npos) {
    pollfd changed{watch.get(), POLLIN, 0};
    ::poll(&changed, 1, -1);
    char events[4096];
    while (::read(watch.get(), events, sizeof events) > 0) {
    }
  }
}

}  // namespace hyops::tests
