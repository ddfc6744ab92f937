// The lab (handed through to its daemon) and the drill.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iostream>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "lab/drill.hpp"
#include "lab/drill_report.hpp"
#include "process/spawn.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;

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

int drill(Context& context, const po::variables_map& given) {
  if (auto reason = why_not(context)) return context.report(*reason);
  lab::DrillRequest request;
  request.prefix = context.places.prefix;
  request.lab_folder = option(given, "lab", "/var/lib/hyops-lab");
  request.lab_name = option(given, "name", "hyops");
  request.record = fs::absolute(option(given, "record", "drill-record"));
  request.keep = flag(given, "keep");
  request.fault = option(given, "fault");
  if (!request.fault.empty()) {
    const std::string name = request.fault.substr(0, request.fault.find('@'));
    std::vector<std::string> names;
    for (const auto& rule : lab::fault_rules()) names.push_back(rule.name);
    if (std::find(names.begin(), names.end(), name) == names.end())
      return context.report(make_error("cli.usage",
                                       "there is no fault \"" + printable(name, 60) + "\"." +
                                           did_you_mean(name, names) + " There are: " + join(names),
                                       "hyops drill --help"));
  }
  request.say = [&](const std::string& line) {
    (context.json ? std::cerr : std::cout) << printable(line, 4000) << '\n' << std::flush;
  };
  // An interrupt ends the command that runs on a host; the drill then fails, and takes its lab
  // down.
  struct sigaction action {};
  action.sa_handler = [](int) {};
  ::sigaction(SIGINT, &action, nullptr);
  auto result = lab::run_drill(request);
  if (!result) return context.report(result.error());
  context.answer(result->facts);
  context.say("\n" + lab::drill_text(result->facts) + "record: " + request.record.string() +
              "  report: " + (request.record / "drill.html").string());
  if (request.keep)
    context.say(
        "the lab is still up: hyops lab status; hyops lab exec HOST -- COMMAND; hyops lab down");
  return result->passed ? exit_ok : exit_failed;
}

// `hyops lab WORDS...` is the daemon's own command line.
int hand_through(Context& context, const std::string& verb, const po::variables_map& given) {
  if (auto reason = why_not(context)) return context.report(*reason);
  std::vector<std::string> words{(context.places.libexec() / "hyops-labd").string(), verb};
  if (given.count("words"))
    for (const auto& word : given["words"].as<std::vector<std::string>>()) words.push_back(word);
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
  std::string faults = "faults (--fault NAME@STEP, into the failover):\n";
  for (const auto& rule : lab::fault_rules()) {
    std::string name = rule.name;
    name.resize(12, ' ');
    faults += "  " + name + rule.meaning + "; the failover then ends " + rule.ending + "\n";
  }
  commands.push_back(
      {"drill",
       "",
       "",
       "lose the primary site in the lab, recover it, fail back, and judge",
       "Real zones, packets, PostgreSQL, backups and DNS, in namespaces of this machine. Needs "
       "root.\n\n" +
           faults,
       {},
       [](po::options_description_easy_init add) {
         add("fault", po::value<std::string>(), "inject a fault: NAME@STEP")(
             "keep", "leave the lab up to look around")(
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
      {"fault", "inject a fault: hyops lab fault link-cut cloud edge"}};
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
