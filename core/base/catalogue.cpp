// The one list of error codes. A code stands here once, in the section of the folder that raises it.
#include "base/catalogue.hpp"

#include <unordered_map>

namespace hyops {
namespace {

using enum FailureClass;

constexpr CatalogueEntry entries[] = {
    // --- base
    {"file.open", unavailable, "A file that is needed could not be opened.",
     "Check that the path is right and that you may read it."},
    {"file.read", unavailable, "A file could be opened but not read to its end.",
     "Check the disk (dmesg) and try again."},
    {"file.write", exhausted,
     "A file could not be written whole. Nothing was replaced: the old contents are still there.",
     "Free some disk space or fix the permissions, then repeat the command."},
    {"file.too_large", invalid, "A file is larger than anything of its kind may be.",
     "Check that the right file was named."},
    {"file.name", invalid,
     "A name would leave the folder it belongs in, or has characters no name may have.",
     "Use small letters, digits and dashes."},
    {"json.syntax", invalid, "A document that must be JSON is not, or nests too deep.",
     "Repair the document or make it anew with the tool that wrote it."},
    {"json.not_canonical", invalid,
     "A value cannot be written as canonical JSON: floating-point numbers and broken UTF-8 have no "
     "single spelling, so no digest could be checked.",
     "Use integers (milliseconds, micro-units) and UTF-8 text."},
    {"value.duration", invalid, "A duration is not written like 500ms, 30s, 15m, 4h or 2d.",
     "Write a number and one unit."},
    {"internal.defect", internal, "hyops met a state its own code rules out.",
     "Keep the record and report it with the message."},
    // --- contract
    // --- plan
    {"plan.malformed", invalid, "A plan document cannot be read, or its order contradicts itself. It was changed or made by "
     "another version.", "Plan again with `hyops plan`."},
    {"plan.input.unknown", invalid, "An --input names no input of any step of the blueprint.",
     "hyops blueprint show BLUEPRINT"},
    {"plan.input.missing", invalid, "A required input has no value in any layer: module default, profile, lane, blueprint, "
     "operator.", "Give it with --input STEP.INPUT=VALUE, or in the lane's [defaults]."},
    {"plan.fact.missing", invalid, "A blueprint refers to a fact that the lane does not state.",
     "Add it under [facts] in the lane's lane.toml."},
    {"plan.state.missing", invalid, "A blueprint refers to published outputs that are not there in this lane and epoch. Results "
     "of another lane or an earlier drill never count (E9).", "hyops state list --lane LANE"},
    {"policy.public_address", denied, "No public address is the default everywhere; asking for one needs a declared reason (A7).",
     "Use a private address, or state public_reason."},
    {"policy.project_id", denied, "One project that owns everything hides who may touch what. The roles are host_project, "
     "control_project and workload_project (C4).", "Name the roles in the lane's [projects]."},
    {"policy.egress_undeclared", denied, "A runner-local target needs declared egress for bootstrap and tool delivery, or an explicit "
     "none (A1).", "Add an egress step to the blueprint."},
    {"policy.execution_plane", denied, "DR blueprints run from a runner that stands in the recovery target's plane (E1).",
     "Remove execution_plane from the blueprint."},
    {"policy.cost_unknown", denied, "The price of something the run would open is not known. Unknown is denied, never taken as "
     "zero (G3, L20).", "Have the provider state its price, or set cost.unknown in the profile."},
    {"policy.cost_exceeded", denied, "The run would cost more than the profile's budget allows (G3).",
     "Ask the owner of the profile for a larger budget."},
    // --- process
    // --- net
    // --- plugin
    // --- ledger
    {"ledger.open", unavailable, "The ledger, the durable memory of this runner, could not be opened.",
     "Check --home, the disk and the permissions of the folder: hyops doctor"},
    {"ledger.broken", internal,
     "The ledger is damaged, was changed by something other than hyops, or is not a ledger. Nothing is repaired silently: "
     "what it said can no longer be proven.",
     "Keep the file as it is, restore a copy made before, and export what can be read: hyops record export RUN"},
    {"ledger.schema.newer", invalid, "The ledger was written by a newer hyops than this one.",
     "Use the newer hyops; a ledger is never converted back."},
    {"ledger.not_yours", denied,
     "The ledger belongs to somebody else, or others may write it. What it says could be forged.",
     "Run hyops as the ledger's owner, or name another --home."},
    {"ledger.read_only", unavailable, "The ledger cannot be written, so nothing may be started: a run without a record is none.",
     "Make the file system writable (mount), then repeat the command."},
    {"ledger.disk_full", exhausted,
     "The disk with the ledger is full or failing. The last write was refused; all before it is safe.",
     "Free disk space or replace the disk (dmesg), then: hyops run resume RUN"},
    {"ledger.locked", unavailable, "Another process kept the ledger busy for longer than any write should take.",
     "See who has it open: fuser -v LEDGER; then repeat the command."},
    {"ledger.append_only", denied, "Something tried to change or remove what the ledger keeps for ever.",
     "Write a new event or version instead; the old one stays as evidence."},
    {"ledger.event.malformed", internal, "An event or run is named in a way that has no single spelling in the hash chain.",
     "Use small letters, digits, dots and dashes."},
    {"ledger.run.unknown", invalid, "The ledger has no run of this id.", "hyops run list"},
    {"ledger.run.exists", conflict, "A run of this id is in the ledger already.", "Start a new run; ids are never used twice."},
    {"ledger.document.exists", conflict, "A run already has another document of this name, and documents are kept as they came.",
     "Hand it in under its own name."},
    {"ledger.slot.conflict", conflict,
     "The published state changed since this step looked at it: another run wrote it. Nothing was overwritten.",
     "Look at what was written (hyops state show), then plan again."},
    {"ledger.fenced", conflict,
     "This run no longer holds its lane: another run took it over with a newer fencing token. It may not write any more.",
     "See who has the lane: hyops run list; then resume this run when it is free."},
    {"ledger.lease.held", conflict, "Another run is the one writer of this lane, and there is no proof that it is dead.",
     "Wait for it (hyops run follow RUN) or cancel it (hyops run cancel RUN)."},
    // --- record
    // --- trust
    // --- engine
    // --- cli
    {"cli.usage", invalid, "The command line names a command or option that does not exist, or lacks one.",
     "hyops help"},
    {"cli.cannot", denied, "This machine cannot do what was asked: a right, a tool or a kernel feature is missing.",
     "hyops doctor"},
};

}  // namespace

std::span<const CatalogueEntry> catalogue() { return entries; }

const CatalogueEntry* find_in_catalogue(std::string_view code) {
  static const auto* const index = [] {
    auto* map = new std::unordered_map<std::string_view, const CatalogueEntry*>;
    for (const auto& entry : entries) map->emplace(entry.code, &entry);
    return map;
  }();
  const auto found = index->find(code);
  return found == index->end() ? nullptr : found->second;
}

}  // namespace hyops
