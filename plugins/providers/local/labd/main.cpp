// hyops-labd: the hypervisor of the lab, as a person or `hyops lab` calls it.
#include <unistd.h>

#include <charconv>
#include <iostream>
#include <map>
#include <set>

#include "admin_client.hpp"
#include "commands.hpp"
#include "files.hpp"
#include "host_init.hpp"
#include "namespaces.hpp"
#include "state.hpp"
#include "zones.hpp"

namespace hyops::labd {
namespace {

constexpr int exit_failed = 1, exit_usage = 2, exit_not_root = 77;

constexpr std::string_view usage = R"(hyops-labd: the small cloud that the hyops lab runs on

  up      [--dir DIR] [--name NAME] [--prefix DIR]   bring the lab up; PREFIX is an installed hyops
          [--with PID]                               take it down when that process ends
  down    [--dir DIR] [--name NAME]                  remove everything it made
  status  [--json]                                   zones, hosts and faults
  place   --zone Z --name N --image debian|runner [--address A] [--authorized-key FILE]
  power   HOST on|off                                switch a host on or off
  release HOST                                       remove a host and its files
  exec    HOST -- COMMAND...                         run a command inside a host
  token   ZONE                                       print the API token of a zone
  fault   NAME ARGS                                  link-cut A B, link-restore A B, zone-loss Z,
                                                     zone-restore Z, host-kill HOST,
                                                     api-cut FROM TO, api-restore FROM TO,
                                                     link-slow A B KBIT, link-full A B,
                                                     machine-reset HOST, disk-full HOST PATH,
                                                     disk-restore HOST PATH,
                                                     clock-step HOST SECONDS
All take --dir (default /var/lib/hyops-lab) and need root. Zones: onprem, edge, cloud, internet.
Exit codes: 0 done, 1 failed, 2 wrong usage, 77 not root; exec passes on the command's own.
)";

struct Arguments {
  std::map<std::string, std::string> options;
  std::vector<std::string> words;
  std::vector<std::string> command;  // after --
};

Result<Arguments> parse_arguments(const std::vector<std::string>& argv,
                                  const std::set<std::string>& known) {
  Arguments parsed;
  for (size_t i = 0; i < argv.size(); ++i) {
    if (argv[i] == "--") {
      parsed.command.assign(argv.begin() + static_cast<std::ptrdiff_t>(i) + 1, argv.end());
      break;
    }
    if (!argv[i].starts_with("--")) {
      parsed.words.push_back(argv[i]);
      continue;
    }
    const auto name = argv[i].substr(2);
    if (name != "dir" && !known.contains(name))
      return fail(400, "usage", "unknown option " + argv[i], "hyops-labd --help");
    if (name == "json") {
      parsed.options[name] = "yes";
    } else if (i + 1 == argv.size()) {
      return fail(400, "usage", argv[i] + " needs a value", "hyops-labd --help");
    } else {
      parsed.options[name] = argv[++i];
    }
  }
  return parsed;
}

Done want_words(const Arguments& given, size_t count, const std::string& form) {
  if (given.words.size() == count) return {};
  return fail(400, "usage", "this is not how it is typed", "hyops-labd " + form);
}

std::string option(const Arguments& given, const std::string& name,
                   const std::string& otherwise = "") {
  const auto found = given.options.find(name);
  return found == given.options.end() ? otherwise : found->second;
}

// 0 where none is given.
Result<pid_t> pid_of(const std::string& text) {
  pid_t pid = 0;
  const auto* end = text.data() + text.size();
  if (text.empty()) return pid;
  if (const auto read = std::from_chars(text.data(), end, pid);
      read.ptr == end && read.ec == std::errc() && pid > 0)
    return pid;
  return fail(400, "usage", "\"" + text + "\" is no process number", "hyops-labd --help");
}

Result<int> print_waited(const AdminClient& client, const Result<Json>& answer) {
  if (!answer) return tl::make_unexpected(answer.error());
  auto result = client.wait((*answer)["operation"]["id"]);
  if (!result) return tl::make_unexpected(result.error());
  std::cout << result->dump(2) << "\n";
  return 0;
}

Result<int> place(const AdminClient& client, const Arguments& given) {
  Json body{{"zone", option(given, "zone")},
            {"name", option(given, "name")},
            {"image", option(given, "image", "debian")}};
  if (given.options.contains("address")) body["address"] = option(given, "address");
  if (given.options.contains("authorized-key")) {
    const auto text = read_file(option(given, "authorized-key"));
    if (!text) return fail_errno("read " + option(given, "authorized-key"));
    Json keys = Json::array();
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty() && line[0] != '#') keys.push_back(line);
    }
    body["authorized_keys"] = keys;
  }
  return print_waited(client, client.request("POST", "/v1/hosts", body, "place-" + random_hex(8)));
}

Result<int> fault(const AdminClient& client, const Arguments& given) {
  auto args = given.words;
  if (args.empty()) args.emplace_back("help");  // no fault either; who says so names them all
  const std::string name = args.front();
  args.erase(args.begin());
  auto answer = client.request("POST", "/v1/faults", {{"fault", name}, {"args", args}});
  if (!answer) return tl::make_unexpected(answer.error());
  for (const auto& operation : answer->value("operations", Json::array())) {
    if (auto done = client.wait(operation["id"]); !done) return tl::make_unexpected(done.error());
  }
  answer->erase("operations");
  std::cout << answer->dump() << "\n";
  return 0;
}

Result<int> status(const AdminClient& client, const Arguments& given) {
  auto answer = client.request("GET", "/v1/lab");
  if (!answer) return tl::make_unexpected(answer.error());
  if (given.options.contains("json")) {
    std::cout << answer->dump(2) << "\n";
    return 0;
  }
  for (const auto& zone : (*answer)["zones"]) {
    std::cout << zone["name"].get<std::string>() << "  " << zone["network"].get<std::string>()
              << (zone["lost"] == true ? "  lost" : "")
              << (zone["isolated"] == true ? "  isolated" : "") << "\n";
    for (const auto& host : zone["hosts"]) {
      std::cout << "  " << host["name"].get<std::string>() << "  "
                << host["address"].get<std::string>() << "  " << host["image"].get<std::string>()
                << "  " << host["power"].get<std::string>() << "\n";
    }
  }
  for (const auto& link : (*answer)["cut_links"])
    std::cout << "cut link: " << link.get<std::string>() << "\n";
  for (const auto& path : (*answer)["cut_apis"])
    std::cout << "cut API path: " << path.get<std::string>() << "\n";
  for (const auto& [link, kbit] : (*answer)["slow_links"].items())
    std::cout << "slow link: " << link << ", " << kbit << " kbit/s\n";
  return 0;
}

// From the lab's notes on disk, so that a host can be entered while the daemon is dead, too.
Result<int> enter_host(const LabPaths& paths, const Arguments& given) {
  if (given.words.size() != 1 || given.command.empty()) {
    return fail(400, "usage", "no command is given", "hyops-labd exec HOST -- COMMAND...");
  }
  auto state = load_state(paths);
  if (!state) return tl::make_unexpected(state.error());
  const auto found = state->hosts.find(given.words[0]);
  if (found == state->hosts.end()) {
    return fail(404, "host.unknown", "there is no host " + given.words[0],
                "hyops-labd status --dir " + paths.dir.string());
  }
  return run_inside(found->second.process, given.command);
}

Result<int> say_what_is_left(const LabPaths& paths, const Result<std::vector<std::string>>& left) {
  if (!left) return tl::make_unexpected(left.error());
  for (const auto& line : *left) std::cerr << "left over: " << line << "\n";
  if (!left->empty()) {
    return fail(
        500, "lab.leftover", "the lab is not gone completely",
        "end what is listed above, then again: hyops-labd down --dir " + paths.dir.string());
  }
  std::cout << "nothing of the lab in " << paths.dir.string() << " is left\n";
  return 0;
}

Result<int> print_token(const LabPaths& paths, const Arguments& given) {
  if (auto done = want_words(given, 1, "token ZONE"); !done)
    return tl::make_unexpected(done.error());
  auto zone = find_zone(given.words[0]);
  if (!zone) return tl::make_unexpected(zone.error());
  const auto token = read_file(paths.token((*zone)->name));
  if (!token) {
    return fail(404, "lab.token", "there is no token for zone " + given.words[0],
                (*zone)->has_api ? "hyops-labd up --dir " + paths.dir.string()
                                 : "zone internet has no API");
  }
  std::cout << *token;
  return 0;
}

Result<int> run_verb(const std::string& verb, const std::vector<std::string>& rest) {
  static const std::map<std::string, std::set<std::string>> verbs{
      {"up", {"name", "prefix", "with"}},
      {"keep", {"name", "with"}},
      {"down", {"name"}},
      {"status", {"json"}},
      {"exec", {}},
      {"token", {}},
      {"fault", {}},
      {"power", {}},
      {"release", {}},
      {"serve", {}},
      {"init", {"host"}},
      {"place", {"zone", "name", "image", "address", "authorized-key"}}};
  const auto found = verbs.find(verb);
  if (found == verbs.end())
    return fail(400, "usage", "there is no verb \"" + verb + "\"", "hyops-labd --help");
  auto given = parse_arguments(rest, found->second);
  if (!given) return tl::make_unexpected(given.error());
  const LabPaths paths{option(*given, "dir", "/var/lib/hyops-lab")};
  const AdminClient client(paths);
  const auto name = option(*given, "name", "hyops");
  const auto with = pid_of(option(*given, "with"));
  if (!with) return tl::make_unexpected(with.error());
  if (verb == "up") {
    const UpOptions options{paths, option(*given, "prefix"), name, *with};
    auto done = bring_up(options);
    if (!done) return tl::make_unexpected(done.error());
    std::cout << "the lab is up; look: hyops-labd status --dir " << paths.dir.string() << "\n";
    return 0;
  }
  if (verb == "down") return say_what_is_left(paths, tear_down(paths, name));
  if (verb == "keep") return say_what_is_left(paths, keep(paths, name, *with));
  if (verb == "status") return status(client, *given);
  if (verb == "place") return place(client, *given);
  if (verb == "fault") return fault(client, *given);
  if (verb == "token") return print_token(paths, *given);
  if (verb == "exec") return enter_host(paths, *given);
  if (verb == "power") {
    if (auto done = want_words(*given, 2, "power HOST on|off"); !done)
      return tl::make_unexpected(done.error());
    return print_waited(client, client.request("POST", "/v1/hosts/" + given->words[0] + "/power",
                                               {{"state", given->words[1]}}));
  }
  if (verb == "release") {
    if (auto done = want_words(*given, 1, "release HOST"); !done)
      return tl::make_unexpected(done.error());
    auto answer = client.request("DELETE", "/v1/hosts/" + given->words[0]);
    if (answer && answer->contains("absent")) return 0;
    return print_waited(client, answer);
  }
  if (verb == "init") return host_init(paths, option(*given, "host"));
  auto done = serve(paths);
  if (!done) return tl::make_unexpected(done.error());
  return 0;
}

}  // namespace
}  // namespace hyops::labd

int main(int argc, char** argv) {
  using namespace hyops::labd;
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty() || words[0] == "--help" || words[0] == "-h") {
    std::cout << usage;
    return words.empty() ? exit_usage : 0;
  }
  if (geteuid() != 0) {
    std::cerr << "The lab makes network namespaces and mounts, which only root may; type: sudo "
                 "hyops-labd "
              << words[0] << "\n";
    return exit_not_root;
  }
  const auto code = run_verb(words[0], std::vector<std::string>(words.begin() + 1, words.end()));
  if (code) return *code;
  std::cerr << "hyops-labd: " << code.error().message << " [" << code.error().code
            << "]\n  next: " << code.error().next << "\n";
  return code.error().code == "usage" ? exit_usage : exit_failed;
}
