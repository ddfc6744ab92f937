// The size of a core that waits, and redaction.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "support/site.hpp"

#include "base/text.hpp"
#include "parts.hpp"
#include "process/spawn.hpp"
#include "process/step_host.hpp"

namespace hyops::bench {
namespace {

// Blocks until the tool says that it runs; a core that ends before that is no measurement.
void wait_for(int fifo, const process::Child& core) {
  pollfd either[] = {{fifo, POLLIN, 0}, {core.pidfd(), POLLIN, 0}};
  while (::poll(either, 2, -1) < 0 && errno == EINTR) {
  }
  if (!(either[0].revents & POLLIN)) give_up("the core that was to be measured ended");
  char byte = 0;
  while (::read(fifo, &byte, 1) == 1 && byte != '\n') {
  }
}

}  // namespace

// "VmRSS:     8124 kB" -> MiB
double memory_of(pid_t pid, const std::string& field) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(field + ":")) return std::stod(line.substr(field.size() + 1)) / 1024;
  give_up("process " + std::to_string(pid) + " has no " + field);
}

void measure_memory(Table& table) {
  tests::Site site;
  const std::string said = site.path() / "said", go = site.path() / "go";
  for (const auto& fifo : {said, go})
    if (::mkfifo(fifo.c_str(), 0600) != 0) give_up("cannot make " + fifo);
  site.tool(
      "wait", "[outputs.x]\ntype = \"string\"\n[effects]\n",
      "echo > " + said + "\nread x < " + go + "\nprintf '{\"x\":\"1\"}' > \"$HYOPS_OUTPUTS\"\n");
  site.blueprint("[[step]]\nid = \"wait\"\nmodule = \"test/wait\"\nphase = \"data\"\n");
  const Json plan = site.plan();
  Samples core, own, most, host;
  for (int i = 0; i < 3; ++i) {
    const RunId run = need(site.admit(plan));
    const Fd tool_says(::open(said.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK)),
        tool_reads(::open(go.c_str(), O_RDWR | O_CLOEXEC));
    process::SpawnRequest request;
    request.argv = {built("bin/hyops"), "run",           "resume",    run.value,
                    "--home",           site.setup.home, "--catalog", site.setup.catalog};
    auto child = need(process::spawn(request));
    wait_for(tool_says.get(), child);
    core.add(memory_of(child.pid(), "VmRSS"));
    own.add(memory_of(child.pid(), "RssAnon"));
    most.add(memory_of(child.pid(), "VmHWM"));
    const auto seen = need(process::observe_tool(site.setup.step_folder(run.value, "wait") / "1"));
    if (seen.host) host.add(memory_of(seen.host->pid, "VmRSS"));
    need(write_all(tool_reads.get(), "\n"));
    const auto exit = need(child.wait(-1));
    if (!exit || exit->signal || exit->code) give_up("the measured run ended badly");
  }
  table.add({"resident memory of a core whose tool waits",
             "MiB",
             core,
             "",
             {},
             "< 12 MiB",
             core.max() < 12});
  table.add({"of it its own, the rest being pages of files", "MiB", own, "", {}, "", {}});
  table.add({"the most such a core had until then", "MiB", most, "", {}, "", {}});
  if (!host.empty())
    table.add({"resident memory of the step host beside it", "MiB", host, "", {}, "", {}});
}

// bench/redact.cpp in a process of its own: Google Benchmark counts CPU time, so load counts for
// less.
void measure_redaction(Table& table) {
  const auto folder = need(TempDir::create(std::filesystem::temp_directory_path(), "hyops-bench"));
  const std::string file = folder.path() / "redact.json";
  run_bare({{built("bench/hyops-redact-bench"),
             "--benchmark_filter=^copy_of_the_bytes|^(hyops_redactor|vectorscan_looking_only)/"
             "secrets:1000",
             "--benchmark_repetitions=5", "--benchmark_enable_random_interleaving=true",
             "--benchmark_out=" + file, "--benchmark_out_format=json"},
            {}});
  const Json said = Json::parse(need(read_file(file)), nullptr, false);
  std::map<std::string, Samples> rates;
  for (const auto& result : said.value("benchmarks", Json::array()))
    if (get_string(result, "run_type") == "iteration")
      rates[get_string(result, "run_name").substr(0, 8)].add(result.value("bytes_per_second", 0.0) /
                                                             1e9);
  const Samples& ours = rates["hyops_re"];
  if (ours.empty() || rates["copy_of_"].empty() || rates["vectorsc"].empty())
    give_up("the redaction benchmark said nothing");
  table.add({"redaction of a log, 1,000 secrets, one core", "GB/s", ours,
             "memcpy of the same chunks", rates["copy_of_"], ">= 1 GB/s", ours.median() >= 1});
  table.add({"the same",
             "GB/s",
             ours,
             "Vectorscan finding the same spellings, replacing nothing",
             rates["vectorsc"],
             "",
             {}});
}

}  // namespace hyops::bench
