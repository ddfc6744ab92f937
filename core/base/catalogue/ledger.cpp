#include "base/catalogue/areas.hpp"

namespace hyops::catalogue_of {

std::span<const CatalogueEntry> ledger() {
  using enum FailureClass;
  static constexpr CatalogueEntry entries[] = {
      {"ledger.open", unavailable,
       "The ledger, the durable memory of this runner, could not be opened.",
       "Check --home, the disk and the permissions of the folder: hyops doctor"},
      {"ledger.broken", internal,
       "The ledger is damaged, was changed by something other than hyops, or is not a ledger. "
       "Nothing is repaired silently: "
       "what it said can no longer be proven.",
       "Keep the file as it is, restore a copy made before, and export what can be read: hyops "
       "record export RUN"},
      {"ledger.behind", internal,
       "The ledger does not hold the last event that it acknowledged: its -wal file was removed or "
       "cut, or an older copy was put in its place. What ran since is unknown to it, and a "
       "decision "
       "could be used twice.",
       "Put the newer ledger back together with its -wal file. If an older copy was restored on "
       "purpose, find out what ran since, then remove LEDGER.leases"},
      {"ledger.schema.newer", invalid, "The ledger was written by a newer hyops than this one.",
       "Use the newer hyops; a ledger is never converted back."},
      {"ledger.schema.older", invalid,
       "The ledger was written by an older hyops, in a form that this one does not read.",
       "Use the hyops that wrote it, or begin a new ledger with another --home and keep the old "
       "one "
       "as evidence."},
      {"ledger.not_yours", denied,
       "The ledger belongs to somebody else, or others may write it. What it says could be forged.",
       "Run hyops as the ledger's owner, or name another --home."},
      {"ledger.read_only", unavailable,
       "The ledger cannot be written, so nothing may be started: a run without a record is none.",
       "Make the file system writable (mount), then repeat the command."},
      {"ledger.disk_full", exhausted,
       "The disk with the ledger is full or failing. The last write was refused; all before it is "
       "safe.",
       "Free disk space or replace the disk (dmesg), then: hyops run resume RUN"},
      {"ledger.locked", unavailable,
       "Another process kept the ledger busy for longer than any write should take.",
       "See who has it open: fuser -v LEDGER; then repeat the command."},
      {"ledger.append_only", denied,
       "Something tried to change or remove what the ledger keeps for ever.",
       "Write a new event or version instead; the old one stays as evidence."},
      {"ledger.event.malformed", internal,
       "An event or run is named in a way that has no single spelling in the hash chain.",
       "Use small letters, digits, dots and dashes."},
      {"ledger.run.unknown", invalid, "The ledger has no run of this id.", "hyops run list"},
      {"ledger.used", denied,
       "A decision or approval is good for one run only, also after a restart (D3).",
       "Issue a new decision, or have the plan approved again."},
      {"ledger.run.exists", conflict, "A run of this id is in the ledger already.",
       "Start a new run; ids are never used twice."},
      {"ledger.document.exists", conflict,
       "A run already has another document of this name, and documents are kept as they came.",
       "Hand it in under its own name."},
      {"ledger.slot.conflict", conflict,
       "The published state changed since this step looked at it: another run wrote it. Nothing "
       "was "
       "overwritten.",
       "Look at what was written (hyops state show), then plan again."},
      {"ledger.fenced", conflict,
       "This run no longer holds its lane: another run took it over with a newer fencing token. It "
       "may not write any more.",
       "See who has the lane: hyops run list; then resume this run when it is free."},
      {"ledger.lease.held", conflict,
       "Another run is the one writer of this lane, and there is no proof that it is dead.",
       "Wait for it (hyops run follow RUN) or cancel it (hyops run cancel RUN)."},
      {"ledger.lease.alive", conflict,
       "The process that carries the run out lives and holds its lane; no statement frees the lane "
       "from it.",
       "hyops run follow RUN, or hyops run cancel RUN"},
  };
  return entries;
}

}  // namespace hyops::catalogue_of
