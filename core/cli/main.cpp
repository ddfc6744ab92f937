// The one program an operator types: finds the command, reads its options, prints its help.
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <iostream>
#include <set>

#include "base/text.hpp"
#include "cli/command.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;

Commands all_commands() {
  Commands commands;
  add_blueprint_commands(commands);
  add_plan_commands(commands);
  add_run_commands(commands);
  add_record_commands(commands);
  add_witness_commands(commands);
  add_statement_commands(commands);
  add_trust_commands(commands);
  add_secret_commands(commands);
  add_plugin_commands(commands);
  add_lab_commands(commands);
  add_system_commands(commands);
  return commands;
}

void print_overview(std::ostream& out, const Commands& commands) {
  out << "hyops: recover a site from a signed decision to a record that verifies\n\n"
         "usage: hyops NOUN VERB [ARGUMENTS] [--json] [--home DIR] [--catalog DIR]\n\n";
  for (const auto& command : commands) {
    std::string name = command.noun + (command.verb.empty() ? "" : " " + command.verb);
    name.resize(std::max<size_t>(22, name.size() + 1), ' ');
    out << "  " << name << command.summary << '\n';
  }
  out << "\n`hyops NOUN VERB --help` tells more; `hyops explain CODE` explains an error; exit "
         "codes:\n"
         "  0 ok  1 failed  2 wrong input  3 denied  4 held or changed by somebody else  5 "
         "unavailable\n"
         "  6 outcome unknown  7 cancelled  77 this machine cannot do it\n";
}

void print_help(std::ostream& out, const Command& command, const po::options_description& options) {
  out << "usage: hyops " << command.noun << (command.verb.empty() ? "" : " " + command.verb)
      << (command.arguments.empty() ? "" : " " + command.arguments) << " [options]\n\n"
      << command.summary << '\n';
  if (!command.details.empty()) out << '\n' << command.details << '\n';
  out << '\n' << options;
}

fs::path default_home() {
  if (::geteuid() == 0) return "/var/lib/hyops";
  const passwd* me = ::getpwuid(::geteuid());
  return fs::path(me ? me->pw_dir : "/nonexistent") / ".local/share/hyops";
}

// <prefix>/bin/hyops, in an installed tree and in a build tree alike.
fs::path own_prefix() {
  std::error_code problem;
  const fs::path self = fs::read_symlink("/proc/self/exe", problem);
  return self.parent_path().parent_path();
}

int run_command(const Command& command, const std::vector<std::string>& words) {
  po::options_description visible("options"), hidden, all;
  visible.add_options()("help,h", "this text")("json", "answer as JSON")(
      "home", po::value<std::string>(), "where runs, keys, lanes and the ledger are kept")(
      "catalog", po::value<std::string>(), "the catalogue to use");
  if (command.options) command.options(visible.add_options());
  po::positional_options_description positional;
  for (std::string name : command.positional) {
    const bool rest = name.ends_with("...");
    if (rest) name.resize(name.size() - 3);
    if (!visible.find_nothrow(name, false)) {
      if (rest)
        hidden.add_options()(name.c_str(), po::value<std::vector<std::string>>());
      else
        hidden.add_options()(name.c_str(), po::value<std::string>());
    }
    positional.add(name.c_str(), rest ? -1 : 1);
  }
  all.add(visible).add(hidden);

  Context context;
  context.json = std::find(words.begin(), words.end(), "--json") != words.end();
  const std::string help =
      "hyops " + command.noun + (command.verb.empty() ? "" : " " + command.verb) + " --help";
  po::variables_map given;
  try {
    const auto style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(words).options(all).positional(positional).style(style).run(),
              given);
    if (given.count("help")) {
      print_help(std::cout, command, visible);
      return exit_ok;
    }
    po::notify(given);
  } catch (const po::unknown_option& error) {
    std::vector<std::string> names;
    for (const auto& known : visible.options()) names.push_back("--" + known->long_name());
    return context.report(make_error("cli.usage",
                                     "there is no option " + error.get_option_name() + "." +
                                         did_you_mean(error.get_option_name(), names),
                                     help));
  } catch (const po::too_many_positional_options_error&) {
    return context.report(make_error(
        "cli.usage",
        "the command takes " +
            (command.arguments.empty() ? "no argument" : command.arguments + " and no more") + ".",
        help));
  } catch (const po::error& error) {
    return context.report(make_error("cli.usage", error.what(), help));
  }
  context.json = flag(given, "json");
  context.terminal = ::isatty(STDOUT_FILENO) == 1;
  context.colour = context.terminal && !context.json;
  context.places.prefix = own_prefix();
  // Absolute, for tools and helpers stand in folders of their own.
  const std::pair<fs::path*, fs::path> places[] = {
      {&context.places.home, option(given, "home", default_home().string())},
      {&context.places.catalog,
       option(given, "catalog", (context.places.prefix / "share/hyops/catalog").string())}};
  for (const auto& [place, named] : places) {
    std::error_code problem;
    *place = fs::absolute(named, problem);
    if (named.empty() || problem)
      return context.report(make_error(
          "cli.usage", "--home and --catalog want a folder, and the working folder must exist.",
          help));
  }
  for (const auto& name : command.positional)
    if (!name.ends_with("...") && !given.count(name) &&
        command.arguments.find('[') == std::string::npos)
      return context.report(
          make_error("cli.usage", "the command needs " + command.arguments + ".", help));
  return command.run(context, given);
}

int dispatch(const std::vector<std::string>& words) {
  const Commands commands = all_commands();
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    print_overview(std::cout, commands);
    return words.empty() ? exit_usage : exit_ok;
  }
  if (words[0] == "--version") {
    std::cout << "hyops " HYOPS_VERSION "\n";
    return exit_ok;
  }
  const Command* best = nullptr;
  size_t used = 0;
  for (const auto& command : commands) {
    if (command.noun != words[0]) continue;
    if (command.verb.empty() && used == 0) {
      best = &command;
      used = 1;
    } else if (words.size() > 1 && command.verb == words[1]) {
      best = &command;
      used = 2;
    }
  }
  if (best)
    return run_command(*best, {words.begin() + static_cast<std::ptrdiff_t>(used), words.end()});

  std::set<std::string> nouns, verbs;
  for (const auto& command : commands) {
    nouns.insert(command.noun);
    if (command.noun == words[0]) verbs.insert(command.verb);
  }
  Context context;
  context.json = std::find(words.begin(), words.end(), "--json") != words.end();
  if (words[0].starts_with("-"))
    return context.report(make_error("cli.usage", "options stand behind the command they are for.",
                                     "hyops NOUN VERB [ARGUMENTS] " + printable(words[0], 60)));
  if (verbs.empty())
    return context.report(
        make_error("cli.usage", "there is no command \"" + printable(words[0], 60) + "\"." +
                                    did_you_mean(words[0], {nouns.begin(), nouns.end()})));
  const std::vector<std::string> known(verbs.begin(), verbs.end());
  if (words.size() > 1 && words[1] != "--help" && words[1] != "-h")
    return context.report(make_error(
        "cli.usage", "hyops " + words[0] + " has no \"" + printable(words[1], 60) + "\"." +
                         did_you_mean(words[1], known) + " It has: " + join(known)));
  std::cout << "usage: hyops " << words[0] << " " << join(known, "|") << '\n';
  for (const auto& command : commands)
    if (command.noun == words[0])
      std::cout << "  " << command.noun << ' ' << command.verb << ' ' << command.arguments
                << "\n      " << command.summary << '\n';
  return words.size() > 1 ? exit_ok : exit_usage;
}

}  // namespace
}  // namespace hyops::cli

int main(int argc, char** argv) { return hyops::cli::dispatch({argv + 1, argv + argc}); }
