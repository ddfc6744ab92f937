// What every command of the CLI shares: how it is declared, what it is given, how it answers.
#pragma once

#include <boost/program_options.hpp>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"

namespace hyops::cli {

namespace po = boost::program_options;

// The one table of exit codes (`hyops help exit-codes` prints it).
enum ExitCode : int {
  exit_ok = 0,
  exit_failed = 1,       // the run, check or verification ended badly
  exit_usage = 2,        // the command line or a file is wrong: nothing was done
  exit_denied = 3,       // policy, trust, approval or permission says no: nothing was done
  exit_conflict = 4,     // somebody else holds or changed it
  exit_unavailable = 5,  // something that is needed does not answer
  exit_unknown = 6,      // the outcome of a step is unknown: `hyops run reconcile`
  exit_cancelled = 7,
  exit_cannot = 77,  // this machine cannot do it (root, kernel, tool missing)
};
int exit_code(const Error& error);
Json to_json(const Error& error);  // as it stands in "errors" of an answer; docs/cli.md

// Where this installation and its memory are. Only options and the executable's own place decide
// (L15).
struct Places {
  std::filesystem::path prefix;   // of the installed or built tree
  std::filesystem::path home;     // --home, default /var/lib/hyops (root) or ~/.local/share/hyops
  std::filesystem::path catalog;  // --catalog, default <prefix>/share/hyops/catalog
  std::filesystem::path libexec() const { return prefix / "libexec/hyops"; }
  std::filesystem::path plugins() const { return prefix / "lib/hyops/plugins"; }
  std::filesystem::path ledger() const { return home / "ledger.db"; }
  std::filesystem::path keys() const { return home / "keys"; }
  std::filesystem::path lane(const std::string& name) const {
    return home / "lanes" / name / "lane.toml";
  }
  std::filesystem::path runs() const { return home / "runs"; }
};

class Context {
 public:
  Places places;
  bool json = false;  // --json: one JSON document (or JSON lines) on standard output, nothing else
  bool terminal = false;  // standard output is one: progress, colour
  bool colour = false;

  std::ostream& out();                // standard output
  void say(const std::string& line);  // a line for people; silent with --json
  void answer(const Json& document);  // with --json: the document
  void answer_line(
      const Json& document);       // the same on one line: the end of a stream of JSON lines
  int report(const Error& error);  // prints it (standard error, or JSON) and gives its exit code
  int report(const std::vector<Error>& errors);
};

struct Command {
  std::string noun, verb;  // "blueprint" "check"; a verb may be empty: `hyops doctor`
  std::string arguments;   // "BLUEPRINT [OTHER]", for the usage line
  std::string summary;     // one line
  std::string details;     // paragraphs for --help: what it does, an example
  std::vector<std::string>
      positional;  // option names that positional arguments fill; "x..." takes the rest
  std::function<void(po::options_description_easy_init)>
      options;  // beside --json --home --catalog --help
  std::function<int(Context&, const po::variables_map&)> run;
};

// One function per noun, each in its own file.
using Commands = std::vector<Command>;
void add_blueprint_commands(Commands& commands);  // blueprint check|show|graph|list, schema export
void add_plan_commands(Commands& commands);       // plan, plan diff
void add_run_commands(Commands& commands);        // run start|resume|cancel|confirm|reconcile
int lock_lane(Context& context, const po::variables_map& given);
void add_dispatch_commands(Commands& commands);   // run dispatch|order|collect
void add_accept_commands(Commands& commands);     // run accept|send
void add_record_commands(Commands& commands);     // record verify|export|report
void add_statement_commands(Commands& commands);  // statement sign
void add_witness_commands(Commands& commands);    // witness sign|show
void add_trust_commands(
    Commands& commands);  // decision issue|show|verify, approval sign|show|verify, key new|show
void add_secret_commands(Commands& commands);  // secret seal|show
void add_plugin_commands(Commands& commands);  // plugin list|describe|sign
void add_lab_commands(Commands& commands);     // lab ..., drill
void add_system_commands(
    Commands& commands);  // doctor, explain, runner init|show, lane init|list|show, state list|show

// Helpers for reading options that may be absent.
std::string option(const po::variables_map& given, const char* name,
                   const std::string& fallback = {});
bool flag(const po::variables_map& given, const char* name);

}  // namespace hyops::cli
