#include "lab/fault.hpp"

#include "base/text.hpp"

namespace hyops::lab {
namespace {

// Runs on the runner's host: waits until the step's tool or the core's helper is there, then kills
// it. Processes are found by parentage from a pid we were told, never by name.
constexpr const char* kill_tool = R"py(
import glob, json, os, signal, sys, time
folder, limit = sys.argv[1], time.monotonic() + 20
while time.monotonic() < limit:
    for host in glob.glob(folder + "/*/host.json"):
        pid = json.load(open(host))["pid"]
        try:
            children = open(f"/proc/{pid}/task/{pid}/children").read().split()
        except OSError:
            children = []
        if children:
            time.sleep(0.3)  # into its work, not into its start
            os.kill(int(children[0]), signal.SIGKILL)
            sys.exit(0)
    time.sleep(0.02)
sys.exit("no tool was found in " + folder)
)py";

constexpr const char* segv_helper = R"py(
import os, signal, sys, time
core, limit = sys.argv[1], time.monotonic() + 20
while time.monotonic() < limit:
    struck = False
    for task in os.listdir(f"/proc/{core}/task"):
        for child in open(f"/proc/{core}/task/{task}/children").read().split():
            try:
                if os.readlink(f"/proc/{child}/exe").endswith("hyops-plugin-host"):
                    os.kill(int(child), signal.SIGSEGV)
                    struck = True
            except OSError:
                pass
    if struck:
        sys.exit(0)
    time.sleep(0.005)
sys.exit("the core has no plugin helper")
)py";

// The one process on the operator's host that runs `hyops run dispatch`.
constexpr const char* kill_dispatcher = R"py(
import glob, os, signal, sys
for entry in glob.glob("/proc/[0-9]*/cmdline"):
    words = open(entry, "rb").read().split(b"\0")
    if words[1:3] == [b"run", b"dispatch"]:
        os.kill(int(entry.split("/")[2]), signal.SIGKILL)
        sys.exit(0)
sys.exit("nobody dispatches")
)py";

}  // namespace

Fault::Fault(const Lab& lab, std::string word, std::string runner_host)
    : lab_(lab), host_(std::move(runner_host)) {
  const size_t at = word.find('@');
  name_ = word.substr(0, at);
  step_ = at == std::string::npos ? "restore" : word.substr(at + 1);
}

void Fault::event(const Json& event) {
  if (!event.contains("body")) return;
  const Json& body = event["body"];
  if (body.contains("runner")) core_pid_ = get_int(body["runner"], "pid");
  if (struck_ || get_string(event, "type") != "step.intent" || get_string(body, "step") != step_)
    return;
  struck_ = true;
  result_ = strike(get_string(body, "key"));
}

Status Fault::strike(const std::string&) {
  const auto on_runner = [&](const std::vector<std::string>& argv) -> Status {
    auto done = lab_.run(host_, argv);
    if (!done) return pass(done);
    return {};
  };
  if (name_ == "core-kill") return on_runner({"/usr/bin/kill", "-KILL", std::to_string(core_pid_)});
  if (name_ == "dispatcher-kill") {
    auto done = lab_.run("runner-edge", {"/usr/bin/python3", "-c", kill_dispatcher});
    if (!done) return pass(done);
    return {};
  }
  if (name_ == "plugin-segv")
    return on_runner({"/usr/bin/python3", "-c", segv_helper, std::to_string(core_pid_)});
  if (name_ == "tool-kill") {
    auto runs = lab_.json(host_, {"/usr/bin/hyops", "run", "list", "--json"});
    if (!runs) return pass(runs);
    const Json& list = runs->contains("runs") ? (*runs)["runs"] : *runs;
    if (!list.is_array() || list.empty()) return fail("lab.fault", "the runner knows no run");
    return on_runner({"/usr/bin/python3", "-c", kill_tool,
                      "/var/lib/hyops/runs/" + get_string(list[0], "id") + "/steps/" + step_});
  }
  if (name_ == "host-kill") return lab_.fault({"host-kill", "db-cloud"});
  if (name_ == "link-cut") return lab_.fault({"link-cut", "cloud", "edge"});
  if (name_ == "zone-loss") return lab_.fault({"zone-loss", "cloud"});
  return fail("lab.fault", "there is no fault " + printable(name_, 60));
}

}  // namespace hyops::lab
