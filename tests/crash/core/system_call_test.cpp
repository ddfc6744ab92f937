// The core, its step hosts, helpers and tools die at, or are failed by, the Nth system call of a
// kind; afterwards nothing acknowledged is lost, and resuming repeats no side effect.
//
// HYOPS_CRASH_POINTS=all tries every N until a run is not hit any more; otherwise a few are tried.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include <cstdlib>
#include <iostream>
#include <sstream>

#include "base/text.hpp"
#include "plugin/registry.hpp"
#include "process/spawn.hpp"
#include "world.hpp"

namespace fs = std::filesystem;
using namespace hyops;
using hyops::tests::add_keeper;
using hyops::tests::Site;
using hyops::tests::World;

namespace {

// Stands in for ansible-playbook, which would make thousands of system calls of its own: the same
// command line, the same files, one effect. The playbook holds where effects are counted.
constexpr const char* stand_in =
    "#!/bin/sh\nset -eu\nfor playbook; do :; done\nstamps=$(cat \"$playbook\")\n"
    "key=$(sed 's/.*\"key\":\"\\([^\"]*\\)\".*/\\1/' \"$HYOPS_REQUEST\")\n"
    "case \"$playbook\" in\n  */observe.yml) grep -qxF \"$key\" \"$stamps\" || exit 3 ;;\n"
    "  *) printf '%s\\n' \"$key\" >> \"$stamps\" ;;\nesac\n"
    "printf '{\"key\":\"%s\"}' \"$key\" > \"$HYOPS_OUTPUTS\"\n";

// Puts it in the place of the real one, for this process and its children alone.
bool with_stand_in() {
  static const bool done = [] {
    const auto real = process::find_executable("ansible-playbook", process::default_path);
    static const auto folder = TempDir::create(fs::temp_directory_path(), "hyops-stand-in").value();
    const fs::path file = folder.path() / "ansible-playbook";
    return real && write_file(file, stand_in, 0755) && ::unshare(CLONE_NEWNS) == 0 &&
           ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount(file.c_str(), fs::canonical(*real).c_str(), nullptr, MS_BIND, nullptr) == 0;
  }();
  return done;
}

// Two tools, a playbook and a plugin beside each other, and a tool after them. No tool may run
// twice: what it did is only known by looking.
class Recovery {
 public:
  Recovery() {
    const std::string stamps = (site.path() / "stamps").string();
    const std::string key = "key=$(sed 's/.*\"key\":\"\\([^\"]*\\)\".*/\\1/' \"$HYOPS_REQUEST\")\n";
    const std::string say = "printf '{\"key\":\"%s\"}' \"$key\" > \"$HYOPS_OUTPUTS\"\n";
    site.tool("stamp", outputs, key + "printf '%s\\n' \"$key\" >> " + stamps + "\n" + say, "",
              key + "grep -qxF \"$key\" " + stamps + " || exit 3\n" + say);
    add_keeper(site, world);
    std::string steps;
    for (const char* id : {"left", "right"}) steps += step(id, "stamp", "data");
    if (with_stand_in()) {
      add_playbook(stamps);
      steps += step("played", "play", "data");
      ++stamped;
    }
    steps += step("kept", "keep", "data") + step("after", "stamp", "readiness");
    site.blueprint(steps);
    run = site.admit(site.plan()).value();
    site.last = run;
    site.ledger.reset();
  }

  // The run in a process of its own under strace; true: something was hit.
  bool carry_on(const std::string& calls, const std::string& injection) {
    const fs::path trace = site.path() / "trace", said = site.path() / "said";
    const Fd out(::open(said.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    process::SpawnRequest request;
    request.argv = {"strace",
                    "-f",
                    "-qq",
                    "-o",
                    trace,
                    "-e",
                    "trace=" + calls,
                    "-e",
                    "inject=" + calls + ":" + injection,
                    HYOPS_BUILD_DIR "/bin/hyops",
                    "run",
                    "carry-on",
                    run.value,
                    "--json",
                    "--home",
                    site.setup.home,
                    "--catalog",
                    site.setup.catalog};
    request.environment = {{"PATH", process::default_path}, {"LANG", "C.UTF-8"}};
    request.out = request.err = out.get();
    auto strace = process::spawn(request);
    EXPECT_TRUE(strace && strace->wait(-1));
    const std::string seen = read_file(trace).value_or("");
    return seen.find("INJECTED") != std::string::npos ||
           seen.find("killed by SIGKILL") != std::string::npos;
  }

  // What the dead core told whoever looked on.
  std::vector<Json> acknowledged() const {
    std::vector<Json> out;
    std::istringstream said(read_file(site.path() / "said").value_or(""));
    for (std::string line; std::getline(said, line);)
      if (auto event = parse_json(line, "line"); event && event->contains("type"))
        if (get_string(*event, "type") != "step.progress") out.push_back(std::move(*event));
    return out;
  }

  void expect_nothing_lost() {
    site.ledger.emplace(ledger::Ledger::open(site.setup.ledger()).value());
    ASSERT_TRUE(site.ledger->check());
    std::vector<std::pair<std::string, Json>> kept;
    ASSERT_TRUE(site.ledger->each_event(run, 0, [&](const ledger::Event& event) {
      kept.emplace_back(event.type, event.body);
      return true;
    }));
    for (const auto& told : acknowledged())
      EXPECT_NE(std::find(kept.begin(), kept.end(),
                          std::pair<std::string, Json>(told["type"], told["body"])),
                kept.end())
          << "told, but not kept: " << told.dump();
  }

  void expect_one_of_each_after_resuming() {
    std::string status;
    for (int tries = 0; tries < 3 && status != "ok"; ++tries) status = site.go_on(run);
    EXPECT_EQ(status, "ok");
    std::vector<std::string> stamps = split(read_file(site.path() / "stamps").value_or(""), '\n');
    std::erase(stamps, "");
    EXPECT_EQ(stamps.size(), stamped);
    EXPECT_EQ(std::set<std::string>(stamps.begin(), stamps.end()).size(), stamped);
    EXPECT_EQ(world.things().size(), 1u);
    EXPECT_TRUE(site.verify().clean);
  }

  World world;
  Site site;
  RunId run;

 private:
  static constexpr const char* outputs = tests::key_output;
  size_t stamped = 3;  // effects on this machine that the run has

  void add_playbook(const std::string& stamps) {
    site.file(site.setup.catalog / "modules/test/play/module.toml",
              "module = \"test/play\"\nversion = \"1.0.0\"\ntitle = \"Play\"\ndoc = \"A "
              "test.\"\n" +
                  std::string(outputs));
    const fs::path pack = site.setup.catalog / "packs/test/play";
    site.file(pack / "pack.toml",
              "pack = \"test/play\"\nversion = \"1.0.0\"\nmodule = \"test/play\"\ndriver = "
              "\"ansible\"\n[ansible]\nplaybook = \"site.yml\"\nobserve = \"observe.yml\"\n");
    for (const char* name : {"site.yml", "observe.yml"}) site.file(pack / name, stamps);
    site.bind("test/play", "test/play");
  }

  static std::string step(const std::string& id, const std::string& module,
                          const std::string& phase) {
    return "[[step]]\nid = \"" + id + "\"\nmodule = \"test/" + module + "\"\nphase = \"" + phase +
           "\"\n";
  }
};

struct Way {
  const char *name, *calls, *injection;  // injection without its `when`
  bool for_ever;
};

void PrintTo(const Way& way, std::ostream* out) { *out << way.calls << " " << way.injection; }

class SystemCall : public testing::TestWithParam<Way> {};

}  // namespace

TEST_P(SystemCall, loses_no_fact_and_repeats_no_effect) {
  const Way way = GetParam();
  const char* wanted = std::getenv("HYOPS_CRASH_POINTS");
  const bool all = wanted && std::string_view(wanted) == "all";
  int points = 0;
  for (int n = 1, last = 0; n < 2000; std::swap(n, last), n = all ? last + 1 : n + 2 * last + 1) {
    Recovery recovery;
    const std::string injection =
        std::string(way.injection) + ":when=" + std::to_string(n) + (way.for_ever ? "+" : "");
    SCOPED_TRACE(std::string(way.calls) + " " + injection);
    if (!recovery.carry_on(way.calls, injection)) break;
    recovery.expect_nothing_lost();
    recovery.expect_one_of_each_after_resuming();
    if (HasFailure()) {
      std::cerr << read_file(recovery.site.path() / "said").value_or("") << '\n';
      break;
    }
    ++points;
  }
  EXPECT_GT(points, 0) << "nothing was ever hit";
  RecordProperty("points", points);
  std::cout << way.name << ": " << points << " points\n";
}

INSTANTIATE_TEST_SUITE_P(
    Run, SystemCall,
    testing::Values(Way{"killed_at_write", "write,pwrite64", "signal=KILL", false},
                    Way{"killed_at_sync", "fdatasync,fsync", "signal=KILL", false},
                    Way{"killed_at_rename", "rename,renameat,renameat2", "signal=KILL", false},
                    Way{"killed_at_sendmsg", "sendmsg,sendto", "signal=KILL", false},
                    Way{"killed_at_receive", "recvfrom,recvmsg", "signal=KILL", false},
                    Way{"killed_at_spawn", "clone,clone3,vfork,execve", "signal=KILL", false},
                    Way{"eio_once", "write,pwrite64,fdatasync,fsync", "error=EIO", false},
                    Way{"eio_for_ever", "write,pwrite64,fdatasync,fsync", "error=EIO", true},
                    Way{"enospc_once", "write,pwrite64", "error=ENOSPC", false},
                    Way{"enospc_for_ever", "write,pwrite64", "error=ENOSPC", true}),
    [](const auto& about) { return std::string(about.param.name); });
