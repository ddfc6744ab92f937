// Secrets of a step: the tool has them, nobody else does, and nothing of them stays (K1, K2).
#include <dirent.h>
#include <sys/wait.h>

#include "base/digest.hpp"
#include "support/forbid.hpp"
#include "unit/process/step.hpp"

namespace hyops::process {
namespace {

// Made up at run time, so that no file of the build holds it.
const std::string& value() {
  static const std::string made =
      "pa'ss " + digest_of(std::to_string(::getpid())).substr(10, 20) + "/+";
  return made;
}

std::vector<std::string> processes_that_show(std::string_view words) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc"))
    for (const char* name : {"cmdline", "environ"})
      if (const auto text = read_file(entry.path() / name); text && text->find(words) != text->npos)
        found.push_back((entry.path() / name).string());
  return found;
}

std::vector<std::string> files_that_hold(const std::filesystem::path& folder,
                                         std::string_view words) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      if (const auto text = read_file(entry.path()); text && text->find(words) != text->npos)
        found.push_back(entry.path().string());
  return found;
}

TEST_F(StepHost, shows_secrets_to_the_tool_and_to_nobody_else) {
  ToolRequest request = shell(
      "cd $HYOPS_SECRETS && stat -c '%a %s' password && stat -f -c %T . && "
      "wc -c < password && echo up > $READY; read x < $GO");
  request.secrets.push_back(secret("db-password", "password", value()));
  ASSERT_TRUE(start_tool(step_host, request));
  until_ready();
  const std::string size = std::to_string(value().size());
  until_log_has("tmpfs\n" + size + "\n");  // the host may read it after the tool has gone on
  EXPECT_EQ(log(), "400 " + size + "\ntmpfs\n" + size + "\n");
  EXPECT_TRUE(std::filesystem::is_empty(folder() / "secrets")) << "outside its namespace";
  EXPECT_EQ(read_file("/proc/self/mountinfo")->find("hyops-secrets"), std::string::npos);
  EXPECT_EQ(processes_that_show(value()), std::vector<std::string>{});
  EXPECT_EQ(files_that_hold(temp_->path(), value()), std::vector<std::string>{});
  let_go();
  EXPECT_EQ(ended().exit.code, 0);
  EXPECT_FALSE(std::filesystem::exists(folder() / "secrets"));
}

TEST_F(StepHost, keeps_secrets_out_of_the_log_in_any_spelling) {
  ToolRequest request = shell(
      "cat $HYOPS_SECRETS/password; echo; base64 -w0 $HYOPS_SECRETS/password; echo; "
      "printf 'user:' | cat - $HYOPS_SECRETS/password | base64 -w0; echo; od -An -v -tx1 "
      "$HYOPS_SECRETS/password "
      "| tr -d ' \\n'; echo; dd if=$HYOPS_SECRETS/password bs=7 2>/dev/null; echo; exec no-$(cat "
      "$HYOPS_SECRETS/password)");
  request.secrets.push_back(secret("db-password", "password", value()));
  ASSERT_TRUE(start_tool(step_host, request));
  ended();
  EXPECT_EQ(log().find(value().substr(0, 12)), std::string::npos) << log();
  EXPECT_EQ(log().find(to_base64(value()).substr(0, 20)), std::string::npos) << log();
  EXPECT_EQ(log().find(to_hex({reinterpret_cast<const unsigned char*>(value().data()), 12})),
            std::string::npos);
  EXPECT_NE(log().find("[redacted:db-password]\n[redacted:db-password]"), std::string::npos)
      << log();
}

TEST_F(StepHost, keeps_what_a_tool_derives_from_secrets_in_memory_only) {
  ToolRequest request = shell(
      "tr a-z A-Z < $HYOPS_SECRETS/password > $HYOPS_SECRETS/derived && wc -c < "
      "$HYOPS_SECRETS/derived");
  request.secrets.push_back(secret("db-password", "password", value()));
  ASSERT_TRUE(start_tool(step_host, request));
  EXPECT_EQ(ended().exit.code, 0) << log();
  EXPECT_FALSE(std::filesystem::exists(folder() / "secrets"));
}

TEST_F(StepHost, cleans_what_a_tool_writes_about_itself_and_removes_what_it_cannot_clean) {
  ToolRequest request = shell(
      "s=$(cat $HYOPS_SECRETS/password); echo \"{\\\"a\\\":1,\\\"b\\\":\\\"$s\\\"}\" > kept; "
      "echo plain > clean; mkfifo pipe; mkdir -p folder && echo $s > folder/x");
  for (const char* name : {"kept", "clean", "pipe", "folder", "absent"})
    request.reports.push_back(temp_->path() / name);
  request.secrets.push_back(secret("db-password", "password", value()));
  ASSERT_TRUE(start_tool(step_host, request));
  EXPECT_EQ(ended().exit.code, 0);
  EXPECT_EQ(read_file(temp_->path() / "kept").value(), R"({"a":1,"b":"[redacted:db-password]"})"
                                                       "\n");
  EXPECT_EQ(read_file(temp_->path() / "clean").value(), "plain\n");
  for (const char* name : {"pipe", "folder"}) {
    EXPECT_FALSE(std::filesystem::exists(temp_->path() / name));
    EXPECT_NE(log().find("[hyops] " + std::string(name) + " was removed"), std::string::npos);
  }
  EXPECT_EQ(files_that_hold(temp_->path(), value()), std::vector<std::string>{});
}

TEST_F(StepHost, dumps_no_core_and_lets_no_tool_dump_one) {
  ASSERT_TRUE(start_tool(step_host, shell("ulimit -Hc")));
  ended();
  EXPECT_EQ(log(), "0\n");
}

TEST_F(StepHost, refuses_names_that_leave_the_folder_of_secrets) {
  for (const char* name : {"..", ".", "a/b", "../escape"}) {
    ToolRequest request = shell("true");
    request.secrets.push_back(secret("x", name, "0123456789"));
    EXPECT_EQ(start_tool(step_host, request).error().code, "process.step.request") << name;
  }
}

// The rest needs a process that is not root, or may not make namespaces: a child of the test.
template <class Act>
int in_child(Act act) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(act());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

bool become_nobody() {
  return ::setresgid(65534, 65534, 65534) == 0 && ::setresuid(65534, 65534, 65534) == 0;
}

TEST_F(StepHost, hides_secrets_without_being_root) {
  if (::geteuid() != 0) GTEST_SKIP() << "the other tests have just shown it";
  ASSERT_EQ(::chown(folder().c_str(), 65534, 65534), 0);
  ASSERT_EQ(::chmod(temp_->path().c_str(), 0755), 0);
  ToolRequest request = shell("cd $HYOPS_SECRETS && stat -f -c %T . && wc -c < password");
  request.secrets.push_back(secret("db-password", "password", value()));
  const auto act = [&] {
    if (!become_nobody()) return 2;
    const auto host = start_tool(step_host, request);
    return host ? 0 : host.error().code == "process.secrets.namespace" ? 3 : 4;
  };
  const int done = in_child(act);
  if (done == 3) GTEST_SKIP() << "this machine allows no user namespaces";
  ASSERT_EQ(done, 0);
  EXPECT_EQ(ended().exit.code, 0);
  EXPECT_EQ(log(), "tmpfs\n" + std::to_string(value().size()) + "\n");
}

TEST_F(StepHost, refuses_to_write_secrets_where_it_cannot_hide_them) {
  ToolRequest request = shell("echo it ran > $READY");
  request.secrets.push_back(secret("db-password", "password", value()));
  EXPECT_EQ(in_child([&] {
              if (!tests::forbid(SYS_unshare)) return 2;
              const auto host = start_tool(step_host, request);
              return !host && host.error().code == "process.secrets.namespace" ? 0 : 1;
            }),
            0);
  const auto seen = wait_tool(folder(), -1);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->state, ToolState::lost);
  EXPECT_FALSE(seen->host) << "nothing was started";
  EXPECT_EQ(files_that_hold(temp_->path(), value()), std::vector<std::string>{});
}

}  // namespace
}  // namespace hyops::process
