// What the trust tests share: the real minisign beside us, a lane with people in it, and a clock
// that stands.
#pragma once

#include <fcntl.h>
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
  void SetUp() override {
    dir_.emplace(std::move(TempDir::create(fs::temp_directory_path(), "trust").value()));
  }
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
  for (const int fd : {0, 1, 2})
    posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
  pid_t child = 0;
  const int started = ::posix_spawnp(&child, argv[0], &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (started != 0) return -1;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

inline SecretKey new_key() { return SecretKey::generate().value(); }

// What a result says: "ok" or its code.
template <class T>
std::string said(const Result<T>& result) {
  return result ? "ok" : result.error().code;
}

// A lane with two approvers, one of whom may also be known under a second name, and a decider.
struct People {
  SecretKey alice = new_key(), bob = new_key(), decider = new_key(), stranger = new_key();
  contract::Lane lane;

  People() {
    lane.name = "drill";
    lane.kind = "drill";
    lane.epoch = 3;
    lane.approvers = {{"alice", alice.public_key().text},
                      {"bob", bob.public_key().text},
                      {"alias-of-alice", alice.public_key().text}};
    lane.deciders = {{"edge", decider.public_key().text}};
  }
};

inline Decision good_decision() {
  Decision out;
  out.id = "d-1";
  out.type = "failover";
  out.lane = "drill";
  out.target = "cloud";
  out.dr_mode = "restore";
  out.execution_plane = "runner-local";
  out.rationale = "the primary site does not answer from three vantage points";
  out.repository = "main@backup";
  out.issued_ms = noon;
  out.expires_ms = noon + 30 * minute;
  out.nonce = "0123456789abcdef";
  out.epoch = 3;
  out.signals = {{"primary-reachable", digest_of("no")}};
  out.policy = digest_of("policy");
  return out;
}

}  // namespace hyops::trust
