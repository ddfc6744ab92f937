// The drill's recovery time beside the time in which its tools were at work. A script written by
// hand that runs the same tools in the same order cannot be quicker than that, however short it is.
#include <algorithm>
#include <fstream>

#include "base/file.hpp"
#include "parts.hpp"

namespace hyops::bench {
namespace {

namespace fs = std::filesystem;

struct Recovery {
  double rto_s = 0, tools_s = 0;
};

// The time between the decision and the first row that the client could write again, and how much
// of it at least one tool or verb of the recovery was running.
Recovery recovery_of(const fs::path& record) {
  const Json drill = Json::parse(need(read_file(record / "drill.json")), nullptr, false);
  const Json failover = drill.value("failover", Json::object());
  const int64_t decided = get_int(failover, "decided_ms"),
                written = get_int(failover, "first_write_ms");
  if (!decided || written <= decided) give_up("the drill measured no recovery time");
  std::vector<std::pair<int64_t, int64_t>> at_work;
  std::ifstream file(record / "failover/events.jsonl");
  for (std::string line; std::getline(file, line);) {
    const Json event = Json::parse(line, nullptr, false);
    if (get_string(event, "type") != "step.outcome") continue;
    const int64_t end = get_int(event, "wall_ms");
    const int64_t begin = end - get_int(event.value("body", Json::object()), "tool_ms");
    at_work.emplace_back(std::clamp(begin, decided, written), std::clamp(end, decided, written));
  }
  std::sort(at_work.begin(), at_work.end());
  int64_t sum = 0, until = decided;
  for (const auto& [begin, end] : at_work) {
    sum += std::max<int64_t>(0, end - std::max(begin, until));
    until = std::max(until, end);
  }
  return {static_cast<double>(written - decided) / 1000, static_cast<double>(sum) / 1000};
}

}  // namespace

void measure_drill(Table& table) {
  if (::geteuid() != 0) return table.skip("the drill", "the lab needs root");
  const auto folder = need(TempDir::create(fs::temp_directory_path(), "hyops-bench"));
  const fs::path prefix = folder.path() / "installed";
  const auto cmake = tool("cmake");
  if (!cmake) return table.skip("the drill", "there is no cmake to install it with");
  run_bare({{*cmake, "--install", built(""), "--prefix", prefix.string()}, {}});
  Samples ours, tools;
  for (int i = 0; i < 3; ++i) {
    const fs::path record = folder.path() / ("record-" + std::to_string(i));
    run_bare({{(prefix / "bin/hyops").string(), "drill", "--failover-only", "--record",
               record.string(), "--lab", (folder.path() / "lab").string(), "--name", "bench"},
              {}});
    const Recovery recovery = recovery_of(record);
    ours.add(recovery.rto_s);
    tools.add(recovery.tools_s);
  }
  Row row{
      "the drill's failover: decision to the client's first acknowledged write",
      "s",
      ours,
      "the part of it in which its tools and verbs ran: no script with the same tools is quicker",
      tools,
      "<= 1.1 x",
      {}};
  row.held = row.ratio() <= 1.1;
  table.add(std::move(row));
}

}  // namespace hyops::bench
