// What the trust tests share: the real minisign beside us, a lane with people in it, and a clock that stands.
#pragma once

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "trust/trust.hpp"

extern char** environ;

namespace hyops::trust {

namespace fs = std::filesystem;

constexpr int64_t noon = 1'772'366'400'000;  // 2026-03-01T12:00:00Z
constexpr int64_t minute = 60'000, hour = 60 * minute;

class Folder : public testing::Test {
 protected:
  void SetUp() override { dir_.emplace(std::move(TempDir::create(fs::temp_directory_path(), "trust").value())); }
  fs::path path(const std::string& name) const { return dir_->path() / name; }
  fs::path put(const std::string& name, std::string_view text, mode_t mode = 0644) const {
    EXPECT_TRUE(write_file(path(name), text, mode));
    return path(name);
  }
  std::string get(const std::string& name) const { return read_file(path(name)).value_or(""); }

 private:
  std::optional<TempDir> dir_;
};

// Runs a program found on PATH to its end, its output thrown away; -1 when it cannot be started.
inline int run(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  for (const int fd : {0, 1, 2}) posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
  pid_t child = 0;
  const int started = ::posix_spawnp(&child, argv[0], &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (started != 0) return -1;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

inline SecretKey new_key() { return SecretKey::generate().value(); }

}  // namespace hyops::trust
