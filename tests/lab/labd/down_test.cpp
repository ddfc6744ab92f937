// Nothing of a lab is left after `down`, whatever state it is in, and nothing else is touched.
#include <signal.h>

#include "test_lab.hpp"

namespace hyops::labd {
namespace {

class LabDown : public NeedsRoot {};

// What of this lab exists on the machine, by the machine's own accounts.
std::string traces(const TestLab& lab, const std::vector<ProcessIdentity>& processes) {
  std::string found;
  if (fs::exists("/run/netns/" + lab.router())) found += "netns ";
  if (fs::exists(lab.paths().dir)) found += "directory ";
  if (fs::exists(lab.groups())) found += "groups ";
  if (read_file("/proc/self/mountinfo").value_or("").find(lab.paths().dir.filename().string()) !=
      std::string::npos) {
    found += "mount ";
  }
  for (const auto& process : processes) {
    if (alive(process)) found += "process " + std::to_string(process.pid) + " ";
  }
  for (const auto* verb : {"serve", "init"}) {
    if (!find_ours(verb, lab.paths().dir.string()).empty()) found += std::string(verb) + " ";
  }
  return found;
}

std::vector<ProcessIdentity> processes_of(const TestLab& lab) {
  auto processes = find_ours("serve", lab.paths().dir.string());
  for (const auto& [name, host] : lab.state().hosts) processes.push_back(host.process);
  return processes;
}

TEST_F(LabDown, leaves_nothing_and_can_be_repeated_and_followed_by_a_second_lab) {
  TestLab lab;
  lab.place("onprem", "db");
  const auto processes = processes_of(lab);
  ASSERT_EQ(processes.size(), 3u);  // daemon, www, db
  if (!lab.groups().empty()) {
    ASSERT_TRUE(lab.inside("db", {"mkdir", "/sys/fs/cgroup/left"}));
  }
  ASSERT_TRUE(lab.labd({"down"}));
  EXPECT_EQ(traces(lab, processes), "");
  ASSERT_TRUE(lab.labd({"down"}));
  lab.up();
  lab.place("onprem", "db");
  EXPECT_TRUE(lab.inside("db", {"true"}));
}

TEST_F(LabDown, ends_hosts_whose_daemon_was_killed_and_whose_state_is_lost) {
  TestLab lab;
  lab.place("onprem", "db");
  const auto processes = processes_of(lab);
  ASSERT_TRUE(end_process(processes[0], SIGKILL, 5000));
  fs::remove(lab.paths().state());
  ASSERT_TRUE(lab.labd({"down"}));
  EXPECT_EQ(traces(lab, processes), "");
}

TEST_F(LabDown, removes_the_rest_when_the_router_is_gone_already) {
  TestLab lab;
  lab.place("cloud", "db");
  const auto processes = processes_of(lab);
  ASSERT_TRUE(run({"ip", "netns", "del", lab.router()}));
  ASSERT_TRUE(end_process(processes[1], SIGKILL, 5000));
  ASSERT_TRUE(lab.labd({"down"}));
  EXPECT_EQ(traces(lab, processes), "");
}

TEST_F(LabDown, comes_by_itself_when_whom_the_lab_is_for_was_killed) {
  auto owner = spawn({"sleep", "infinity"}, {}, Session::own);
  ASSERT_TRUE(owner);
  TestLab lab({}, *owner);
  lab.place("onprem", "db");
  auto processes = processes_of(lab);
  const auto keepers = find_ours("keep", lab.paths().dir.string());
  ASSERT_EQ(keepers.size(), 1u);
  ASSERT_EQ(kill(*owner, SIGKILL), 0);
  reap(*owner);
  EXPECT_TRUE(end_process(keepers[0], 0, 20'000)) << "it ends once all is gone";
  EXPECT_EQ(traces(lab, processes), "");
}

TEST_F(LabDown, spares_a_file_and_a_namespace_it_did_not_make) {
  const std::string stranger = "lt" + random_hex(4);
  ASSERT_TRUE(run({"ip", "netns", "add", stranger + "-router"}));
  const auto dir = fs::temp_directory_path() / ("labd-" + stranger);
  EXPECT_FALSE(run({labd_path, "up", "--name", stranger, "--dir", dir.string()}));
  EXPECT_TRUE(run({labd_path, "down", "--name", stranger, "--dir", dir.string()}));
  EXPECT_TRUE(fs::exists("/run/netns/" + stranger + "-router"));
  ASSERT_TRUE(run({"ip", "netns", "del", stranger + "-router"}));
  fs::create_directory(dir);
  ASSERT_TRUE(write_plain(dir / "thesis.txt", "mine"));
  EXPECT_FALSE(run({labd_path, "up", "--name", stranger, "--dir", dir.string()}));
  EXPECT_TRUE(run({labd_path, "down", "--name", stranger, "--dir", dir.string()}));
  EXPECT_EQ(read_file(dir / "thesis.txt"), "mine");
  fs::remove_all(dir);
}

}  // namespace
}  // namespace hyops::labd
