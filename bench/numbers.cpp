// `make bench`: the numbers that hyops promises to stay inside, each beside what it has to be held
// against. With names as arguments only those parts are measured.
#include <gtest/gtest.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <set>

#include "base/clock.hpp"
#include "parts.hpp"

namespace hyops::bench {
namespace {

double load() {
  double loads[1] = {0};
  return ::getloadavg(loads, 1) == 1 ? loads[0] : 0;
}

// Durability costs what the disk costs: on a tmpfs the commits would flatter everybody.
std::string disk() {
  struct statfs about {};
  if (::statfs(std::filesystem::temp_directory_path().c_str(), &about) != 0)
    return "an unknown file system";
  constexpr long tmpfs = 0x01021994, ext4 = 0xef53, btrfs = 0x9123683e, xfs = 0x58465342;
  if (about.f_type == tmpfs)
    return "a tmpfs: COMMITS ARE NOT DURABLE HERE, set TMPDIR to a folder on a disk";
  return about.f_type == ext4    ? "ext4"
         : about.f_type == xfs   ? "xfs"
         : about.f_type == btrfs ? "btrfs"
                                 : "another file system";
}

std::string headline(double before) {
  utsname system{};
  ::uname(&system);
  const long cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
  char text[200];
  std::snprintf(
      text, sizeof text,
      "%ld CPUs, Linux %s, temporary files on %s; load average %.1f before and %.1f after%s", cpus,
      system.release, disk().c_str(), before, load(),
      before > 0.6 * static_cast<double>(cpus) ? " (LOADED: other work ran beside this)" : "");
  return to_rfc3339(system_clock().wall_ms()).substr(0, 10) + ", " + text;
}

}  // namespace

std::string built(const std::string& path) { return std::string(HYOPS_BUILD_DIR) + "/" + path; }

}  // namespace hyops::bench

int main(int argc, char** argv) {
  using namespace hyops::bench;
  const std::pair<std::string, void (*)(Table&)> parts[] = {
      {"commands", measure_commands},   {"plans", measure_plans},
      {"ledger", measure_ledger},       {"engine", measure_engine},
      {"steps", measure_steps},         {"long-run", measure_long_run},
      {"plugin", measure_plugin},       {"memory", measure_memory},
      {"redaction", measure_redaction}, {"record", measure_record},
      {"ansible", measure_ansible},     {"terraform", measure_terraform},
      {"packer", measure_packer},       {"relay", measure_relay},
      {"access", measure_access},       {"drill", measure_drill}};
  std::set<std::string> wanted(argv + 1, argv + argc), known;
  for (const auto& [name, part] : parts) known.insert(name);
  for (const auto& name : wanted)
    if (!known.contains(name)) {
      std::string names;
      for (const auto& each : known) names += " " + each;
      give_up("there is no part \"" + name + "\"; the parts are:" + names);
    }
  const double before = load();
  Table table;
  for (const auto& [name, part] : parts)
    if (wanted.empty() || wanted.contains(name)) part(table);
  // The installation is the tests' own; what went wrong in making it was said where it happened.
  if (::testing::UnitTest::GetInstance()->ad_hoc_test_result().Failed())
    give_up("the installation could not be made");
  std::cout << '\n' << headline(before) << "\n\n";
  table.print();
}
