#include "lab/fault.hpp"

#include <csignal>

#include "base/text.hpp"

namespace hyops::lab {
namespace {

constexpr const char* runner = "runner-cloud";
constexpr const char* database = "db-cloud";
constexpr const char* old_primary = "db-onprem";
constexpr const char* resolver = "10.77.2.54";
constexpr const char* database_disk = "/var/lib/postgresql";

// Runs on the runner: waits until the step's tool is there, then kills it: at once, or after a
// moment where nobody saw it at work. Processes are found by parentage from a pid we were told.
constexpr const char* kill_tool = R"py(
import glob, json, os, signal, sys, time
folder, moment, limit = sys.argv[1], float(sys.argv[2]), time.monotonic() + 30
while time.monotonic() < limit:
    for host in glob.glob(folder + "/*/host.json"):
        pid = json.load(open(host))["pid"]
        try:
            children = open(f"/proc/{pid}/task/{pid}/children").read().split()
        except OSError:
            children = []
        if children:
            time.sleep(moment)
            os.kill(int(children[0]), signal.SIGKILL)
            sys.exit(0)
    time.sleep(0.02)
sys.exit("no tool was found in " + folder)
)py";

// The core's plugin helper that is in an apply gets the signal.
constexpr const char* signal_helper = R"py(
import os, sys, time
core, number, limit = sys.argv[1], int(sys.argv[2]), time.monotonic() + 20
while time.monotonic() < limit:
    for task in os.listdir(f"/proc/{core}/task"):
        for child in open(f"/proc/{core}/task/{task}/children").read().split():
            try:
                if open(f"/proc/{child}/comm").read() == "hyops:apply\n":
                    os.kill(int(child), number)
                    sys.exit(0)
            except OSError:
                pass
    time.sleep(0.002)
sys.exit("no plugin helper of the core is in an apply")
)py";

// What the runner sends to the edge's API goes nowhere, so that a verb which asks it is at work for
// as long as the fault needs to find it.
constexpr const char* hold_api =
    "add table ip hyops_fault; add chain ip hyops_fault out { type filter hook output priority 0; "
    "};"
    "add rule ip hyops_fault out ip daddr 10.77.2.1 tcp dport 7077 drop";
constexpr const char* let_api_go = "delete table ip hyops_fault";

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

// A resolver that keeps answers for an hour whatever their TTL, as some do.
constexpr const char* stale_resolver = R"conf(server:
  interface: 0.0.0.0
  access-control: 10.77.0.0/16 allow
  do-ip6: no
  chroot: ""
  username: ""
  directory: "/run"
  pidfile: "/run/unbound.pid"
  use-syslog: no
  module-config: "iterator"
  cache-min-ttl: 3600
  local-zone: "test." nodefault
stub-zone:
  name: hyops.test
  stub-addr: 10.77.2.53
)conf";

// Of the runner's secrets; empty: this fault takes none.
std::string bundle_taken_by(const std::string& fault) {
  const std::string secrets = "/var/lib/hyops/secrets/";
  if (fault == "secret-authority-down") return secrets + "drill.sealed";
  if (fault == "secret-escrow-down") return secrets + "drill-standby.sealed";
  return {};
}

}  // namespace

Fault::Fault(const Lab& lab, Site& site, const FaultRule& rule, std::string step)
    : lab_(lab), site_(site), rule_(rule), step_(std::move(step)) {}

Status Fault::on(const std::string& host, const std::vector<std::string>& argv) {
  auto done = lab_.run(host, argv);
  if (!done) return pass(done);
  return {};
}

Status Fault::wait_until(const std::string& host, const std::string& condition) {
  return on(host, {"/usr/bin/timeout", "60", "/bin/sh", "-c",
                   "until " + condition + "; do sleep 0.01; done"});
}

Status Fault::prepare() {
  // Only processes that start from now on can be told another time.
  if (rule_.name == "clock-step") return lab_.fault({"clock-step", runner, "0"});
  if (rule_.name == "dns-stale") return serve_stale_names();
  if (rule_.name == "plugin-hang") return on(runner, {"/usr/sbin/nft", hold_api});
  return {};
}

Status Fault::serve_stale_names() {
  if (auto placed = lab_.place("edge", "resolver", "debian", {}, resolver); !placed)
    return pass(placed);
  if (auto kept = lab_.write("resolver", "/etc/hyops-lab.conf", stale_resolver); !kept) return kept;
  if (auto started = on("resolver", {"/usr/sbin/unbound", "-c", "/etc/hyops-lab.conf"}); !started)
    return started;
  // On a loaded machine it may be asked before it can answer.
  if (auto answers =
          wait_until(client_host, std::string("[ -n \"$(/usr/bin/dig +short +tries=1 +time=2 @") +
                                      resolver + " db.hyops.test)\" ]");
      !answers)
    return answers;
  // A client has just asked it: now it holds the old address.
  auto held = resolved_by(resolver), told = resolved_by("10.77.2.53");
  if (!held) return pass(held);
  if (!told) return pass(told);
  if (held->empty() || *held != *told)
    return fail("lab.fault",
                "the resolver answers \"" + *held + "\" where the authority says " + *told);
  return site_.add_to_lane(std::string("\n[defaults.\"dns/cutover\"]\nresolvers = [\"") + resolver +
                           "\"]\n");
}

void Fault::event(const Json& event) {
  if (!event.contains("body")) return;
  const Json& body = event["body"];
  if (body.contains("runner")) core_pid_ = get_int(body["runner"], "pid");
  if (struck_ || get_string(event, "type") != "step.intent" || get_string(body, "step") != step_)
    return;
  struck_ = true;
  result_ = strike();
}

// Struck half-way, not while the tool still starts. True where the work was seen.
Result<bool> Fault::wait_for_work() {
  struct Work {
    const char *step, *host, *begun;
  };
  static constexpr Work works[] = {
      // Bytes arrive; the program that promotes has begun; the repository takes the backup.
      {"restore", database, "[ -e /var/lib/postgresql/15/restore.json ]"},
      {"promote", database,
       "! /usr/bin/flock -n /run/hyops.lock /bin/true || "
       "[ ! -e /var/lib/postgresql/15/main/standby.signal ]"},
      {"rearm", "repository", "[ -e /tmp/pgbackrest/main-backup.lock ]"},
  };
  for (const auto& work : works) {
    if (step_ != work.step) continue;
    auto seen = wait_until(work.host, work.begun);
    if (!seen) return pass(seen);
    return true;
  }
  return false;
}

Status Fault::strike() {
  const std::string& name = rule_.name;
  bool at_work = false;
  std::string run;  // asked for beforehand: a step may be over in less than a second
  if (name == "tool-kill") {
    auto row = lab_.json(runner, {"/usr/bin/hyops", "run", "show", "last", "--json"});
    if (!row) return pass(row);
    run = get_string(*row, "id", get_string(*row, "run"));
  }
  if (name == "tool-kill" || name == "host-kill" || name == "machine-reset" ||
      name == "core-kill") {
    auto seen = wait_for_work();
    if (!seen) return pass(seen);
    at_work = *seen;
  }
  const std::string core = std::to_string(core_pid_);
  if (name == "core-kill") return on(runner, {"/usr/bin/kill", "-KILL", core});
  if (name == "dispatcher-kill") return on(dispatcher, {"/usr/bin/python3", "-c", kill_dispatcher});
  if (name == "plugin-segv" || name == "plugin-hang") {
    auto struck = on(runner, {"/usr/bin/python3", "-c", signal_helper, core,
                              std::to_string(name == "plugin-segv" ? SIGSEGV : SIGSTOP)});
    if (!struck || name == "plugin-segv") return struck;
    return on(runner, {"/usr/sbin/nft", let_api_go});
  }
  if (name == "tool-kill")
    return on(runner, {"/usr/bin/python3", "-IS", "-c", kill_tool,
                       "/var/lib/hyops/runs/" + run + "/steps/" + step_, at_work ? "0" : "0.3"});
  if (name == "host-kill") return lab_.fault({"host-kill", database});
  if (name == "machine-reset") return lab_.fault({"machine-reset", database});
  if (name == "disk-full") return lab_.fault({"disk-full", database, database_disk});
  if (name == "repository-down") return lab_.fault({"host-kill", "repository"});
  if (const auto bundle = bundle_taken_by(name); !bundle.empty())
    return on(runner, {"/usr/bin/mv", bundle, bundle + ".away"});
  if (name == "link-slow") return lab_.fault({"link-slow", "cloud", "edge", "2000"});
  if (name == "link-cut") return lab_.fault({"link-cut", "cloud", "edge"});
  if (name == "zone-loss") return lab_.fault({"zone-loss", "cloud"});
  if (name == "clock-step") return lab_.fault({"clock-step", runner, "-3600"});
  if (name == "old-primary-returns") return wake_old_primary();
  if (name == "dns-stale") return {};  // it was stale before the name moved
  return fail("lab.fault", "there is no fault " + printable(name, 60));
}

Status Fault::wake_old_primary() {
  if (auto back = lab_.fault({"zone-restore", "onprem"}); !back) return back;
  return on(old_primary,
            {"/usr/bin/pg_ctlcluster", "--skip-systemctl-redirect", "15", "main", "start"});
}

Status Fault::mend() {
  const std::string& name = rule_.name;
  // A reset is how a host that is off gets its power back, too.
  if (name == "host-kill") return lab_.fault({"machine-reset", database});
  if (name == "repository-down") return lab_.fault({"machine-reset", "repository"});
  if (name == "disk-full") return lab_.fault({"disk-restore", database, database_disk});
  if (const auto bundle = bundle_taken_by(name); !bundle.empty())
    return on(runner, {"/usr/bin/mv", bundle + ".away", bundle});
  if (name == "link-slow") return lab_.fault({"link-full", "cloud", "edge"});
  if (name == "link-cut") return lab_.fault({"link-restore", "cloud", "edge"});
  if (name == "zone-loss") return lab_.fault({"zone-restore", "cloud"});
  if (name == "clock-step") return lab_.fault({"clock-step", runner, "0"});
  if (name == "dns-stale")  // it reads its configuration again, and forgets what it held
    return on("resolver", {"/bin/sh", "-c", "kill -HUP $(cat /run/unbound.pid)"});
  return {};
}

Result<std::vector<Fault::Finding>> Fault::look_afterwards() {
  std::vector<Finding> findings;
  if (rule_.name == "old-primary-returns") {
    auto found = old_primary_was_alone();
    if (!found) return pass(found);
    findings.push_back(std::move(*found));
  }
  if (rule_.name == "dns-stale") {
    auto found = laggard_is_named();
    if (!found) return pass(found);
    findings.push_back(std::move(*found));
    found = laggard_follows();
    if (!found) return pass(found);
    findings.push_back(std::move(*found));
  }
  return findings;
}

// L12: it runs and would serve whoever reached it, and nobody does.
Result<Fault::Finding> Fault::old_primary_was_alone() {
  auto host = lab_.run(old_primary, {"/usr/bin/hostname", "-I"});
  if (!host) return pass(host);
  const std::string address = host->substr(0, host->find_first_of(" \n"));
  const bool serves =
      lab_.run(old_primary, {"/usr/bin/pg_isready", "-q", "-t", "2", "-h", address}).has_value();
  const bool reached =
      lab_.run(client_host, {"/usr/bin/pg_isready", "-q", "-t", "2", "-h", address}).has_value();
  return Finding{"the old primary serves again, and no client reaches it (L12)", serves && !reached,
                 std::string(serves ? "it accepts connections at home" : "it does not run") +
                     (reached ? ", and from the edge" : ", none from the edge")};
}

Result<Fault::Finding> Fault::laggard_is_named() {
  auto state = lab_.json(dispatcher, {"/usr/bin/hyops", "state", "show", "dns/cutover#db", "--lane",
                                      lane_name, "--json"});
  if (!state) return pass(state);
  const Json& value = state->contains("value") ? (*state)["value"] : *state;
  const Json laggards = value.value("laggards", Json::array());
  return Finding{"the cutover names the resolver that lags (L13)",
                 laggards == Json::array({resolver}), laggards.dump()};
}

Result<std::string> Fault::resolved_by(const std::string& server) {
  auto said = lab_.run(client_host, {"/usr/bin/dig", "+short", "+tries=5", "+time=2", "@" + server,
                                     "db.hyops.test"});
  if (!said) return pass(said);
  return said->substr(0, said->find('\n'));
}

Result<Fault::Finding> Fault::laggard_follows() {
  auto wanted = resolved_by("10.77.2.53"), said = resolved_by(resolver);
  if (!wanted) return pass(wanted);
  if (!said) return pass(said);
  return Finding{"it follows once its cache is flushed", *said == *wanted, *said};
}

}  // namespace hyops::lab
