// A step folder with a tool for the tests of the step host, and ways to wait for it without
// sleeping.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "process/step_host.hpp"
#include "support/watch.hpp"

namespace hyops::process {

inline const std::filesystem::path step_host = HYOPS_BUILD_DIR "/libexec/hyops/hyops-step-host";

class StepHost : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TempDir::create(::testing::TempDir());
    ASSERT_TRUE(made) << made.error().text();
    temp_.emplace(std::move(*made));
    ASSERT_TRUE(make_folders(folder()));
    ASSERT_EQ(::mkfifo(ready().c_str(), 0600), 0);
    ASSERT_EQ(::mkfifo(go().c_str(), 0600), 0);
  }

  void TearDown() override {
    if (const auto seen = observe_tool(folder()); seen && seen->state == ToolState::running) {
      EXPECT_TRUE(kill_tool(folder()));
      EXPECT_TRUE(wait_tool(folder(), -1));
    }
  }

  std::filesystem::path folder() const { return temp_->path() / "step"; }
  std::filesystem::path ready() const {
    return temp_->path() / "ready";
  }                                                                  // the tool writes: it is there
  std::filesystem::path go() const { return temp_->path() / "go"; }  // the tool reads: it may go on

  // The script knows $READY and $GO.
  ToolRequest shell(const std::string& script) const {
    ToolRequest request;
    request.step_folder = folder();
    request.directory = temp_->path();
    request.argv = {"/bin/sh", "-c", script};
    request.environment = {
        {"PATH", default_path}, {"READY", ready().string()}, {"GO", go().string()}};
    return request;
  }

  // Once its tool says that it is ready, whoever started it is killed.
  void start_by_a_core_that_dies(const ToolRequest& request) const {
    const pid_t core = ::fork();
    ASSERT_GE(core, 0);
    if (core == 0) {
      if (!start_tool(step_host, request)) ::_exit(1);
      for (;;) ::pause();
    }
    until_ready();
    ::kill(core, SIGKILL);
    ASSERT_EQ(::waitpid(core, nullptr, 0), core);
  }

  std::string until_ready() const {
    const auto said = read_whole(ready());
    return said;
  }
  void let_go() const {
    const Fd fd(::open(go().c_str(), O_WRONLY | O_CLOEXEC));
    EXPECT_TRUE(write_all(fd.get(), "go\n"));
  }

  ToolStatus ended() const {
    const auto seen = wait_tool(folder(), -1);
    EXPECT_TRUE(seen) << seen.error().text();
    EXPECT_TRUE(seen && seen->state == ToolState::ended);
    return seen && seen->status ? *seen->status : ToolStatus{};
  }
  std::string log() const { return read_file(folder() / "log.txt").value_or("(no log)"); }

  void until_log_has(const std::string& words) const { tests::until_log_has(folder(), words); }

  static std::string read_whole(const std::filesystem::path& fifo) {
    const Fd fd(::open(fifo.c_str(), O_RDONLY | O_CLOEXEC));
    std::string out;
    char buffer[256];
    for (ssize_t got; (got = ::read(fd.get(), buffer, sizeof buffer)) > 0;)
      out.append(buffer, static_cast<size_t>(got));
    while (!out.empty() && out.back() == '\n') out.pop_back();
    return out;
  }

  static NamedSecret secret(const std::string& name, const std::string& file,
                            std::string_view value) {
    return {name, file, Secret(value)};
  }

  std::optional<TempDir> temp_;
};

}  // namespace hyops::process
