#include "base/catalogue/areas.hpp"

namespace hyops::catalogue_of {

std::span<const CatalogueEntry> cli() {
  using enum FailureClass;
  static constexpr CatalogueEntry entries[] = {
      {"cli.usage", invalid,
       "The command line names a command or option that does not exist, or lacks one.",
       "hyops help"},
      {"cli.runner.unknown", invalid,
       "The lane names no runner like that, or says not how to reach it.", "hyops lane show LANE"},
      {"cli.run.elsewhere", conflict,
       "This machine dispatched the run; another one carries it out, and only there can it be told "
       "to stop.",
       "On the runner that the message names: hyops run cancel RUN"},
      {"cli.dispatch.lost", unavailable,
       "The connection to the runner broke. The run goes on there; nothing is lost.",
       "hyops run collect RUN"},
      {"cli.record.none", unavailable,
       "The run has written no record yet: it still runs, or its core was killed.",
       "hyops run show RUN, and hyops run resume RUN on its runner."},
      {"cli.record.unclean", denied,
       "A record that came from a runner does not verify, so nothing was taken from it.",
       "hyops record verify on the runner; keep the record that arrived (record.arrived) as "
       "evidence."},
      {"cli.lane.unknown", invalid, "No lane of that name stands on this machine.",
       "hyops lane list"},
      {"cli.run.name", invalid,
       "What was given cannot be the id of a run: ids are lower-case letters and digits.",
       "hyops run list"},
      {"cli.run.ambiguous", invalid, "The beginning or end of a run's id fits several runs.",
       "Give more of it: hyops run list"},
      {"cli.run.none", invalid, "\"last\" was asked for, and no run was ever started here.",
       "hyops run list"},
      {"cli.ledger.none", unavailable,
       "The home folder has no ledger yet: nothing was ever run from it.",
       "Give the right one with --home, or start a run: hyops run start PLAN"},
      {"cli.policy.unknown", invalid,
       "No rule has that ID or code. Rules are the obligations that a plan can be held against "
       "before it runs; the others are kept by the software itself (docs/standard.md).",
       "hyops policy list"},
      {"cli.code.unknown", invalid, "No error code of that name exists.", "hyops explain"},
      {"cli.runner.exists", conflict,
       "This machine is a runner already. New keys would cut it off from its lanes: what is sealed "
       "to the old ones cannot be opened any more.",
       "hyops runner status, or hyops runner init --replace when that is meant."},
      {"cli.runner.keygen", unavailable, "The SSH key of the runner could not be made.",
       "apt-get install openssh-client, then repeat the command."},
      {"cli.lane.exists", conflict, "A lane of that name stands on this machine already.",
       "hyops lane check LANE, or hyops lane new LANE --from FILE --replace when that is meant."},
      {"cli.lane.name", invalid, "The lane's file names another lane than the command.",
       "Correct `lane = ...` in the file, or the command."},
      {"cli.slot.unknown", invalid, "The lane holds no state under that key.",
       "hyops state list --lane LANE"},
      {"cli.cannot", denied,
       "This machine cannot do what was asked: a right, a tool or a kernel feature is missing.",
       "hyops doctor"},
  };
  return entries;
}

}  // namespace hyops::catalogue_of
