// The machine is reset while a tool works: core, step host and tool are gone, and the boot id is
// another. What the tool did is found out by looking, and nothing is done twice (L5, L6).
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "world.hpp"

namespace fs = std::filesystem;
using namespace hyops;
using hyops::tests::Site;

namespace {

enum class Effect : bool { not_yet, done };

// A tool that stands still before or after it took effect, under a core of its own.
class Machine {
 public:
  explicit Machine(Effect effect) {
    gate = (site.path() / "gate").string();
    stamps = (site.path() / "stamps").string();
    EXPECT_EQ(::mkfifo(gate.c_str(), 0600), 0);
    const std::string stamp = "echo stamp >> " + stamps + "\n",
                      stop = "test -e " + stamps + ".over || { : > " + gate + "; sleep 600; }\n",
                      say = "printf '{\"key\":\"k\"}' > \"$HYOPS_OUTPUTS\"\n";
    site.tool("stamp", tests::key_output,
              (effect == Effect::done ? stamp + stop : stop + stamp) + say, "",
              "test -e " + stamps + " || exit 3\n" + say);
    site.blueprint("[[step]]\nid = \"first\"\nmodule = \"test/stamp\"\nphase = \"data\"\n");
    run = site.last = site.admit(site.plan()).value();
    site.ledger.reset();
    core = ::fork();
    if (core == 0) {
      site.ledger.emplace(ledger::Ledger::open(site.setup.ledger()).value());
      (void)site.go_on(run);
      ::_exit(0);
    }
    const Fd reached(::open(gate.c_str(), O_RDONLY | O_CLOEXEC));  // waits for the tool
  }

  // Everything of the run dies at once; what the disk has stays.
  void reset() {
    const auto host =
        parse_json(read_file(site.setup.step_folder(run.value, "first") / "1/host.json").value(),
                   "host.json")
            .value();
    ::kill(core, SIGKILL);
    ::kill(static_cast<pid_t>(get_int(host, "pid")), SIGKILL);  // its tool goes with it
    ::waitpid(core, nullptr, 0);
    site.file(stamps + ".over", "");
  }

  // On the machine as it is after the next boot; 77 where this one cannot play it.
  int after_boot(const std::string& expected_ending) {
    const pid_t child = ::fork();
    if (child == 0) {
      const std::string other = (site.path() / "boot_id").string();
      (void)write_file(other, "00000000-1111-4222-8333-444444444444\n");
      if (::unshare(CLONE_NEWNS) != 0 ||
          ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
          ::mount(other.c_str(), "/proc/sys/kernel/random/boot_id", nullptr, MS_BIND, nullptr) != 0)
        ::_exit(77);
      site.ledger.emplace(ledger::Ledger::open(site.setup.ledger()).value());
      EXPECT_EQ(site.go_on(run), "ok");
      EXPECT_EQ(site.endings()["first"], expected_ending);
      EXPECT_TRUE(site.verify().clean);
      EXPECT_TRUE(site.ledger->check());
      ::_exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status = 1;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  }

  Site site;
  std::string gate, stamps;
  RunId run;
  pid_t core = -1;
};

}  // namespace

TEST(Reset, of_the_machine_goes_on_after_the_next_boot_and_does_nothing_twice) {
  for (const auto& [effect, ending] :
       {std::pair{Effect::done, "adopted"}, {Effect::not_yet, "ok"}}) {
    SCOPED_TRACE(ending);
    Machine machine(effect);
    machine.reset();
    const int ended = machine.after_boot(ending);
    if (ended == 77) GTEST_SKIP() << "another boot id needs root and a mount namespace";
    EXPECT_EQ(ended, 0);
    EXPECT_EQ(read_file(machine.stamps).value_or(""), "stamp\n");
  }
}

// The step host alone dies: its tool with it, and the core that waits looks at once.
TEST(Reset, of_a_step_host_alone_is_noticed_by_the_core_that_waits) {
  Machine machine(Effect::done);
  const auto host =
      parse_json(
          read_file(machine.site.setup.step_folder(machine.run.value, "first") / "1/host.json")
              .value(),
          "host.json")
          .value();
  ::kill(static_cast<pid_t>(get_int(host, "pid")), SIGKILL);
  ::waitpid(machine.core, nullptr, 0);
  machine.site.ledger.emplace(ledger::Ledger::open(machine.site.setup.ledger()).value());
  EXPECT_EQ(machine.site.endings()["first"], "adopted");
  EXPECT_EQ(machine.site.ledger->run(machine.run)->status, "ok");
  EXPECT_EQ(read_file(machine.stamps).value_or(""), "stamp\n");
}
