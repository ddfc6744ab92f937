// Whole processes as a person at a prompt meets them, beside the cheapest process there is.
#include "support/site.hpp"

#include "parts.hpp"

namespace hyops::bench {
namespace {

constexpr int rounds_of_commands = 40;
const Bare bare_true{{"/bin/true"}, {}};

void add(Table& table, const std::string& what, const Bare& command, int limit_ms = 0) {
  const auto pair = in_turns(
      rounds_of_commands, [&] { run_bare(command); }, [] { run_bare(bare_true); });
  Row row{what, "ms", pair.ours, "posix_spawn of /bin/true", pair.peer, "", {}};
  if (limit_ms) {
    row.bar = "< " + std::to_string(limit_ms) + " ms";
    row.held = pair.ours.median() < limit_ms;
  }
  table.add(std::move(row));
}

// As many steps as a file may hold with room to spare, each needing the one before it.
std::string chain(int steps) {
  std::string text;
  for (int i = 0; i < steps; ++i) {
    const std::string id = "s" + std::to_string(i);
    text += "[[step]]\nid = \"" + id +
            "\"\nmodule = \"test/say\"\nphase = \"data\"\ninputs = { text = " +
            (i ? "{ from = \"s" + std::to_string(i - 1) + ".said\" }" : std::string("\"hello\"")) +
            " }\n";
  }
  return text;
}

}  // namespace

void measure_commands(Table& table) {
  const std::string hyops = built("bin/hyops");
  add(table, "`hyops --help`", {{hyops, "--help"}, {}}, 10);
  add(table, "`hyops blueprint check dr/postgresql-failover`",
      {{hyops, "blueprint", "check", "dr/postgresql-failover"}, {}}, 10);
  tests::Site site;
  site.tool("say",
            "[inputs.text]\ntype = \"string\"\nrequired = true\n[outputs.said]\ntype = "
            "\"string\"\n[effects]\n",
            "");
  site.blueprint(chain(500));
  add(table, "`hyops plan` of a file of 500 steps in a chain, as a process",
      {{hyops, "plan", "test/flow", "--lane", "drill", "--target", "cloud", "--reason", "bench",
        "--by", "oncall", "--home", site.setup.home, "--catalog", site.setup.catalog, "--to",
        site.path() / "plan.json"},
       {}});
}

}  // namespace hyops::bench
