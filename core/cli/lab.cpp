// The lab (handed through to its daemon) and the drill.
#include <unistd.h>

#include <iostream>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "lab/drill.hpp"
#include "lab/drill_report.hpp"
#include "lab/fault_table.hpp"
#include "lab/guard.hpp"
#include "process/spawn.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* default_lab = "/var/lib/hyops-lab";

std::optional<Error> why_not(const Context& context) {
  if (::geteuid() != 0)
    return make_error("cli.cannot", "the lab makes network and mount namespaces, which needs root",
                      "sudo hyops drill");
  std::vector<std::string> missing;
  for (const char* tool : {"ip", "nft", "sshd", "ssh", "psql", "pgbackrest", "pdns_server",
                           "ansible-playbook", "python3"})
    if (!process::find_executable(tool, process::default_path)) missing.push_back(tool);
  if (!missing.empty())
    return make_error("cli.cannot",
                      "the drill needs tools that are not on this machine: " + join(missing),
                      "./setup.sh drill, as root");
  if (!fs::exists(context.places.libexec() / "hyops-labd"))
    return make_error("cli.cannot", "this installation has no lab daemon (hyops-labd)",
                      "make drill");
  return std::nullopt;
}

int list_faults(Context& context) {
  Json faults = Json::array();
  for (const auto& rule : lab::fault_table())
    faults.push_back({{"name", rule.name},
                      {"at", rule.at},
                      {"meaning", rule.meaning},
                      {"leaves", rule.leaves},
                      {"mend", rule.mend},
                      {"ends", rule.ends}});
  context.answer({{"faults", faults}});
  context.say(lab::fault_list() + "  next: hyops drill --fault NAME@STEP");
  return exit_ok;
}

std::optional<Error> no_such_fault(const std::string& word) {
  if (word.empty() || lab::find_fault(lab::parse_fault(word).name)) return std::nullopt;
  const std::string name = lab::parse_fault(word).name;
  std::vector<std::string> names;
  for (const auto& rule : lab::fault_table()) names.push_back(rule.name);
  return make_error("cli.usage",
                    "there is no fault \"" + printable(name, 60) + "\"." +
                        did_you_mean(name, names) + " There are: " + join(names),
                    "hyops drill --list-faults");
}

int run_drill(Context& context, const lab::DrillRequest& request) {
  auto result = lab::run_drill(request);
  if (!result) return context.report(result.error());
  context.answer(result->facts);
  context.say("\n" + lab::drill_text(result->facts) + "record: " + request.record.string() +
              "  report: " + (request.record / "drill.html").string());
  if (request.keep) {
    // As it can be typed: the drill of a checkout is in no PATH.
    const std::string typed = (request.prefix / "bin/hyops").string() + " lab ",
                      where = request.lab_folder == default_lab
                                  ? std::string()
                                  : " --lab " + request.lab_folder.string();
    context.say("the lab is still up:\n  " + typed + "status" + where + "\n  " + typed +
                "exec runner-cloud" + where + " -- hyops run show last\n  " + typed + "down" +
                where);
  }
  return result->passed ? exit_ok : exit_failed;
}

int drill(Context& context, const po::variables_map& given) {
  if (flag(given, "list-faults")) return list_faults(context);
  if (auto reason = why_not(context)) return context.report(*reason);
  lab::DrillRequest request;
  request.prefix = context.places.prefix;
  request.lab_folder = option(given, "lab", default_lab);
  request.lab_name = option(given, "name", "hyops");
  request.record = fs::absolute(option(given, "record", "drill-record"));
  request.keep = flag(given, "keep");
  request.failover_only = flag(given, "failover-only");
  request.fault = option(given, "fault");
  if (auto unknown = no_such_fault(request.fault)) return context.report(*unknown);
  request.say = [&](const std::string& line) {
    (context.json ? std::cerr : std::cout) << printable(line, 4000) << '\n' << std::flush;
  };
  return lab::guarded([&] { return run_drill(context, request); },
                      [&] {
                        context.report(make_error("lab.stopped", "the drill was stopped"));
                        if (request.keep) return;
                        if (auto down = lab::clear_lab(request); !down)
                          context.report(down.error());
                      });
}

// `hyops lab WORDS...` is the daemon's own command line.
int hand_through(Context& context, const std::string& verb, const po::variables_map& given) {
  if (auto reason = why_not(context)) return context.report(*reason);
  std::vector<std::string> words{(context.places.libexec() / "hyops-labd").string(), verb};
  if (given.count("words"))
    for (const auto& word : given["words"].as<std::vector<std::string>>()) words.push_back(word);
  // Our own command line ended at "--" and took it away; the daemon's has it, too.
  if (verb == "exec" && words.size() > 3) words.insert(words.begin() + 3, "--");
  if (verb == "up" && !given.count("prefix"))
    words.insert(words.end(), {"--prefix", context.places.prefix.string()});
  for (const char* name : {"lab", "name", "zone", "image", "address", "authorized-key"})
    if (given.count(name))
      words.insert(
          words.begin() + 2,
          {std::string("--") + (std::string(name) == "lab" ? "dir" : name), option(given, name)});
  if (context.json) words.insert(words.begin() + 2, "--json");
  process::SpawnRequest request;
  request.argv = words;
  request.environment = {
      {"PATH", process::default_path}, {"LANG", "C.UTF-8"}, {"TERM", "xterm-256color"}};
  request.in = STDIN_FILENO;
  request.out = STDOUT_FILENO;
  request.err = STDERR_FILENO;
  auto child = process::spawn(request);
  if (!child) return context.report(child.error());
  auto ended = child->wait(-1);
  if (!ended) return context.report(ended.error());
  return (*ended)->signal ? 128 + (*ended)->signal : (*ended)->code;
}

}  // namespace

void add_lab_commands(Commands& commands) {
  commands.push_back(
      {"drill",
       "",
       "",
       "lose the primary site in the lab, recover it, fail back, and judge",
       "Real zones, packets, PostgreSQL, backups and DNS, in namespaces of this machine. Needs "
       "root.\n"
       "  hyops drill --fault core-kill@restore    (hyops drill --list-faults names them)",
       {},
       [](po::options_description_easy_init add) {
         add("fault", po::value<std::string>(), "inject a fault: NAME or NAME@STEP")(
             "list-faults", "print the faults, each with its expected ending")(
             "failover-only", "end once the failover is judged")("keep",
                                                                 "leave the lab up to look around")(
             "record", po::value<std::string>(),
             "where the records and the report go, default drill-record")(
             "lab", po::value<std::string>(), "the lab's folder, default /var/lib/hyops-lab")(
             "name", po::value<std::string>(), "name of the lab's namespaces, default hyops");
       },
       drill});
  const auto options = [](po::options_description_easy_init add) {
    add("lab", po::value<std::string>(), "the lab's folder, default /var/lib/hyops-lab")(
        "name", po::value<std::string>(), "name of a lab, or of a host to place")(
        "zone", po::value<std::string>(), "zone of a host")(
        "image", po::value<std::string>(), "debian or runner")("address", po::value<std::string>(),
                                                               "of a host")(
        "authorized-key", po::value<std::string>(), "who may log in");
  };
  const std::pair<const char*, const char*> verbs[] = {
      {"up", "bring the lab's zones and router up"},
      {"down", "remove everything the lab ever made, also after a crash"},
      {"status", "zones, hosts and faults"},
      {"place", "place a host"},
      {"exec", "run a command on a host: hyops lab exec HOST -- COMMAND"},
      {"power", "switch a host: hyops lab power HOST on|off"},
      {"fault",
       "inject a fault: hyops lab fault link-cut cloud edge; hyops lab fault names them all"}};
  for (const auto& [verb, summary] : verbs)
    commands.push_back(
        {"lab",
         verb,
         "[WORDS...]",
         summary,
         "",
         {"words..."},
         options,
         [verb = std::string(verb)](Context& context, const po::variables_map& given) {
           return hand_through(context, verb, given);
         }});
}

}  // namespace hyops::cli
