// Faults of the lab are real: a slow link is slow, a full disk refuses bytes, a stepped clock lies.
#include <sys/socket.h>
#include <sys/un.h>

#include "test_lab.hpp"

namespace hyops::labd {
namespace {

class LabFaults : public NeedsRoot {};

TEST_F(LabFaults, a_failed_placement_that_left_nothing_is_tried_afresh_under_its_key) {
  TestLab lab;
  const Json body{{"zone", "edge"}, {"name", "db"}, {"image", "debian"}};
  const fs::path hosts = lab.paths().hosts(), aside = lab.paths().dir / "hosts.aside";
  fs::rename(hosts, aside);
  ASSERT_TRUE(write_plain(hosts, "not a directory"));  // nothing can be placed there
  auto first = lab.client().request("POST", "/v1/hosts", body, "k");
  ASSERT_TRUE(first) << first.error().message;
  const std::string failed = (*first)["operation"]["id"];
  EXPECT_FALSE(lab.client().wait(failed));
  fs::remove(hosts);
  fs::rename(aside, hosts);

  EXPECT_EQ(lab.get("/v1/operations?key=k")["operations"].size(), 0u);
  EXPECT_EQ(lab.get("/v1/operations/" + failed)["state"], "failed");  // still told by its id
  auto again = lab.client().request("POST", "/v1/hosts", body, "k");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_NE((*again)["operation"]["id"], failed);
  EXPECT_TRUE(lab.client().wait((*again)["operation"]["id"]));
  // What succeeded is remembered: the key is now that host's.
  auto third = lab.client().request("POST", "/v1/hosts", body, "k");
  ASSERT_TRUE(third);
  EXPECT_EQ((*third)["operation"]["id"], (*again)["operation"]["id"]);
}

TEST_F(LabFaults, a_reset_machine_is_back_with_its_files_and_without_its_processes) {
  TestLab lab;
  lab.place("cloud", "db");
  const auto before = lab.state().hosts["db"].process;
  ASSERT_TRUE(lab.inside("db", {"touch", "/root/kept", "/run/lost"}));
  const std::vector<std::string> boot{"cat", "/proc/sys/kernel/random/boot_id"};
  const auto first_boot = lab.inside("db", boot).value_or("unread");
  EXPECT_EQ(first_boot, lab.inside("db", boot).value_or(""));
  ASSERT_TRUE(lab.labd({"fault", "machine-reset", "db"}));
  EXPECT_FALSE(alive(before));
  EXPECT_NE(first_boot, lab.inside("db", boot).value_or(""));  // who asks can tell
  EXPECT_TRUE(lab.inside("db", {"ls", "/root/kept"}));
  EXPECT_FALSE(lab.inside("db", {"ls", "/run/lost"}));
  ASSERT_TRUE(lab.labd({"fault", "host-kill", "db"}));
  ASSERT_TRUE(
      lab.labd({"fault", "machine-reset", "db"}));  // is also how one that is off comes back
  EXPECT_EQ(lab.get("/v1/hosts/db")["power"], "on");
}

TEST_F(LabFaults, a_full_disk_takes_no_more_until_it_is_made_larger) {
  TestLab lab;
  lab.place("cloud", "db");
  const std::vector<std::string> write{"dd", "if=/dev/zero", "of=/srv/disk/f", "bs=1M", "count=40"};
  ASSERT_TRUE(lab.inside("db", {"install", "-d", "-m", "0750", "-o", "postgres", "/srv/disk"}));
  ASSERT_TRUE(lab.labd({"fault", "disk-full", "db", "/srv/disk"}));
  const auto full = lab.inside("db", write);
  ASSERT_FALSE(full);
  EXPECT_NE(full.error().message.find("No space left on device"), std::string::npos);
  EXPECT_EQ(lab.inside("db", {"stat", "-c", "%a %U", "/srv/disk"}).value_or(""), "750 postgres\n");
  ASSERT_TRUE(lab.labd({"fault", "disk-restore", "db", "/srv/disk"}));
  EXPECT_TRUE(lab.inside("db", write));
  for (const char* path : {"srv", "/", "/srv/../etc", "/srv/none", "/var/run"})
    EXPECT_FALSE(lab.labd({"fault", "disk-full", "db", path})) << path;
}

TEST_F(LabFaults, a_stepped_clock_moves_for_one_host_and_for_running_processes_too) {
  TestLab lab;
  lab.place("cloud", "runner");
  const auto hour_of = [&] {
    return std::stoll(lab.inside("runner", {"date", "+%s"}).value_or("0")) - time(nullptr);
  };
  ASSERT_TRUE(lab.labd({"fault", "clock-step", "runner", "0"}));
  EXPECT_LT(std::abs(hour_of()), 60);
  // A process that is running when the step comes tells two times, and one and the same uptime.
  const std::string watch =
      "import sys, time\n"
      "a, m = time.time(), time.monotonic()\n"
      "open('/root/ready', 'w').close()\n"
      "while abs(time.time() - a - (time.monotonic() - m)) < 60: time.sleep(0.01)\n"
      "print(round((time.time() - a - (time.monotonic() - m)) / 60))\n";
  ASSERT_TRUE(lab.inside("runner", {"tee", "/root/watch.py"}, watch));
  ASSERT_TRUE(lab.inside(
      "runner", {"setsid", "--fork", "sh", "-c", "exec python3 /root/watch.py >/root/said 2>&1"}));
  ASSERT_TRUE(
      lab.inside("runner", {"timeout", "20", "sh", "-c", "until [ -e /root/ready ]; do :; done"}));
  ASSERT_TRUE(lab.labd({"fault", "clock-step", "runner", "-3600"}));
  ASSERT_TRUE(
      lab.inside("runner", {"timeout", "20", "sh", "-c", "until [ -s /root/said ]; do :; done"}));
  EXPECT_EQ(lab.inside("runner", {"cat", "/root/said"}).value_or(""), "-60\n");
  EXPECT_LT(hour_of(), -3500);
  EXPECT_FALSE(lab.labd({"fault", "clock-step", "runner", "1h"}));
}

TEST_F(LabFaults, a_slow_link_carries_what_it_may_and_no_more) {
  TestLab lab;
  lab.place("edge", "repository", {{"address", "10.77.2.30"}});
  lab.place("cloud", "db");
  ASSERT_TRUE(lab.inside("repository", {"truncate", "-s", "1M", "/srv/blob"}));
  ASSERT_TRUE(lab.inside("repository",
                         {"setsid", "--fork", "sh", "-c",
                          "exec python3 -m http.server --directory /srv 8000 >/dev/null 2>&1"}));
  // Bytes per second as curl measured them, for a second at most.
  const auto speed = [&] {
    const auto text =
        lab.inside("db", {"curl", "-s", "-o", "/dev/null", "--retry", "20", "--retry-connrefused",
                          "--retry-delay", "0", "--max-time", "3", "-w", "%{speed_download}",
                          "http://10.77.2.30:8000/blob"});
    const std::string said = text ? *text : text.error().message;  // 28: the time was over
    const size_t digits = said.find_last_not_of("0123456789.\n");
    return std::stod("0" + said.substr(digits == std::string::npos ? 0 : digits + 1));
  };
  EXPECT_GT(speed(), 1e6);
  ASSERT_TRUE(lab.labd({"fault", "link-slow", "cloud", "edge", "800"}));
  EXPECT_LT(speed(), 200e3);  // 100 kB/s, and the bucket's first fill
  ASSERT_TRUE(lab.labd({"fault", "link-full", "edge", "cloud"}));
  EXPECT_GT(speed(), 1e6);
  EXPECT_FALSE(lab.labd({"fault", "link-slow", "cloud", "edge", "fast"}));
}

// Root is not needed for these: a socket of our own stands where the daemon's would.
TEST(LabClient, gives_up_on_a_daemon_that_takes_a_request_and_says_nothing) {
  const fs::path dir = fs::temp_directory_path() / ("labd-silent-" + random_hex(4));
  ASSERT_TRUE(fs::create_directory(dir));
  const LabPaths paths{dir};
  const Fd silent(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  paths.socket().string().copy(where.sun_path, sizeof where.sun_path - 1);
  ASSERT_EQ(bind(silent.get(), reinterpret_cast<sockaddr*>(&where), sizeof where), 0);
  ASSERT_EQ(listen(silent.get(), 4), 0);  // the kernel accepts; nobody ever reads
  const auto answer = AdminClient(paths, 50).request("GET", "/v1/lab");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "lab.silent");
  EXPECT_NE(answer.error().message.find("GET /v1/lab"), std::string::npos);
  fs::remove_all(dir);
  const auto nobody = AdminClient(paths, 50).request("GET", "/v1/lab");
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, "lab.down");
}

}  // namespace
}  // namespace hyops::labd
