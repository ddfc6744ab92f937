#include "base/catalogue/areas.hpp"

namespace hyops::catalogue_of {

std::span<const CatalogueEntry> engine() {
  using enum FailureClass;
  static constexpr CatalogueEntry entries[] = {
      {"engine.clock.set", denied,
       "The clock of this machine was set by hand after hyops had seen it, no time service keeps "
       "it, and a window of an approval, a decision, an acceptance or the profile is open by one "
       "of the two clocks only. Setting a clock opens no window early, and keeps none open.",
       "Set the clock right, or let a time service set it (hyops doctor). If it is right as it is: "
       "restart this machine, after which it is believed, then type the same again"},
      {"engine.disk.reserve", exhausted,
       "The disk under --home is so full that what a new step does might not be recorded. Nothing "
       "new is started; what runs may use the reserve to say how it ended.",
       "Free disk space (df, then the largest files), then: hyops run resume RUN"},
      {"engine.runner.none", denied,
       "DR and burst work runs on a bootstrapped runner of the target's plane, never silently on a "
       "workstation (E2).",
       "Dispatch it: hyops run dispatch, or make this machine a runner: hyops runner init"},
      {"engine.runner.plane", denied,
       "The runner stands in another plane than the plan's target (E2).",
       "hyops run dispatch --runner PLANE"},
      {"engine.runner.attestation", denied,
       "The document that says which runner this is was changed, or signed by another key.",
       "Bootstrap the runner again: hyops runner init"},
      {"engine.lane.changed", denied,
       "The lane's file is not the one the plan was made with, so the plan says nothing about it.",
       "hyops plan, and have the new plan approved."},
      {"engine.lane.epoch", denied,
       "The plan belongs to another epoch of the lane; results of another epoch never count (E9).",
       "hyops plan"},
      {"engine.profile.changed", denied,
       "The profile's file is not the one the plan was made with.", "hyops plan"},
      {"engine.module.changed", denied,
       "A module's folder is not the one that the plan was made with.",
       "Plan and approve again, or restore the catalogue."},
      {"engine.blueprint.changed", denied,
       "The blueprint's files are not the ones the plan was made with.", "hyops plan"},
      {"engine.pack.changed", denied,
       "The pack's files are not the ones the plan pins: what was approved is what runs (L10).",
       "Restore the pack or plan again."},
      {"engine.plugin.changed", denied, "The plugin is not the one the plan pins (L10).",
       "Restore the plugin or plan again."},
      {"engine.plugin.lost", internal,
       "The core died while a plugin was at work; whether it took effect is not known.",
       "hyops run reconcile RUN"},
      {"engine.decision.required", denied,
       "The blueprint starts from a signed decision in a live lane.", "hyops decision issue"},
      {"engine.decision.missing", denied,
       "The plan was made from a decision that was not handed over with it.",
       "Give it with --decision FILE."},
      {"engine.decision.other", denied,
       "The decision handed over is not the one the plan was made from.",
       "hyops decision show FILE"},
      {"engine.decision.type", denied, "A decision starts only blueprints that name its type.",
       "hyops blueprint show BLUEPRINT"},
      {"engine.decision.repository", denied,
       "The decision declares which backup source is restored from, and the plan would use another "
       "one (E8).",
       "Mend the lane's repository facts, or have the decision issued anew: hyops decision issue"},
      {"engine.decision.target", denied, "The decision selects another target than the plan.",
       "hyops plan --target TARGET"},
      {"engine.lane.name_bound", denied,
       "Two lanes of this installation state the same name at the same authority as their own, so "
       "one of them could send the other's clients away (G6).",
       "Give each lane a name or an authority of its own: hyops lane show LANE"},
      {"engine.runner.lane", denied,
       "The lane names its runners, and this machine is none of them: its records could not be "
       "verified by that lane (E2).",
       "Put what hyops runner status prints into the lane, or dispatch the plan: hyops run "
       "dispatch"},
      {"engine.horizon", expired,
       "Something that the run needs (an approval, the decision, the sealed bundle) ends before "
       "the "
       "run could, going by how long its steps took before. It would have died half-way (L18).",
       "Renew what the message names, then start the run."},
      {"engine.fence.malformed", denied,
       "Promotion and cutover want a typed proof of a fence (L12), and this is none: its kind is "
       "not "
       "known, or it does not say what was fenced, by whom, or what shows it.",
       "Use a fence pack that proves what it does: docs/contracts.md"},
      {"engine.fence.uncovered", denied,
       "Somebody may still be served by the hosts that this step replaces: the proof of a fence is "
       "about others, or there is none (L12).",
       "Fence these hosts or their zone in the same run: a step of phase fence"},
      {"engine.fence.foreign", denied,
       "The proof of a fence belongs to another lane, decision, run or step. A fence of yesterday "
       "says nothing about today's primary (L12).",
       "Run the fence step of this run: hyops run resume RUN"},
      {"engine.fence.stale", expired,
       "The fence was last looked at too long ago, and looking again did not find it in place (L1, "
       "L12). What was fenced may serve again.",
       "Find out what became of the fence, then plan and approve again: hyops plan"},
      {"engine.order.malformed", invalid,
       "What was handed to `hyops run accept` is not an order of this version.",
       "Use the same version of hyops on dispatcher and runner."},
      {"engine.transfer.malformed", invalid,
       "What arrived is not a record, or names files outside of one (K6).",
       "hyops run collect RUN, from a runner you trust."},
      {"engine.transfer.truncated", unavailable,
       "The connection ended before the record was complete. Nothing was kept, nothing was "
       "removed on the other side (L2).",
       "hyops run collect RUN"},
      {"engine.record.other_run", denied,
       "A runner sent the record of another run, lane or plan than the one that was asked for. A "
       "runner of one lane has nothing to say about another (G6).",
       "Keep what arrived, and find out who answers on that runner: hyops runner status"},
      {"engine.state.newer", conflict,
       "The lane's state here was written after the record's run had ended; it is not overwritten "
       "(L3).",
       "hyops state show KEY --lane LANE"},
      {"engine.measured.incomplete", invalid,
       "A measurement without its time or loss, or without its source, judges nothing.",
       "Give --served-at or --rows-lost, and --source."},
      {"engine.measured.going_on", conflict,
       "The run has not ended on this machine, so its record cannot be completed here.",
       "Wait for its end, or type it on the runner that executes it (hyops run show)."},
      {"engine.gate.not_waiting", conflict,
       "Only a run that waits at a gate can be let through it, and only through that one.",
       "hyops run show RUN"},
      {"engine.step.not_unknown", conflict, "Only a step whose outcome is unknown can be stated.",
       "hyops run reconcile RUN"},
      {"engine.step.not_this", conflict,
       "A statement is good for one attempt of one step of one run only.",
       "Sign for the attempt that is unknown now: hyops run reconcile RUN"},
      {"engine.statement.incomplete", invalid,
       "A person's statement stands in the record with name and reason.",
       "Give --by and --reason."},
      {"engine.step.deadline", deadline, "A step took longer than its time-out and was stopped.",
       "Look at the step's log: hyops run show RUN"},
      {"engine.step.cancelled", cancelled, "A step was stopped because the run was.",
       "hyops run resume RUN"},
      {"engine.tool.missing", unavailable,
       "A tool that a pack needs is not on this machine or cannot be run.", "hyops doctor"},
      {"engine.tool.failed", internal,
       "A tool ended with an error; its redacted log is in the record.", "hyops run show RUN"},
      {"engine.tool.lost", internal,
       "The process that watched a tool is gone without its exit status: what the tool did is not "
       "known.",
       "hyops run reconcile RUN"},
      {"engine.host.unreachable", unavailable,
       "A host stopped answering while a step worked on it, or never answered: what happened there "
       "is not known, so the step is looked at and, where that is safe, done again (L9).",
       "look at the host's power and network, then hyops run resume RUN"},
      {"engine.probe.failed", internal, "A step verified its own effect and found something else.",
       "hyops run show RUN"},
      {"engine.outputs.missing", internal,
       "A step ended without an output that its module declares, or one that later steps need.",
       "Repair the pack."},
      {"engine.terraform.destroys", denied,
       "Terraform's plan would destroy resources in a step that is not declared irreversible.",
       "Look at the saved plan's log in the record."},
      {"engine.terraform.secret", denied,
       "Terraform keeps variables in its plan and state files; a secret may not stand there (K1).",
       "Hand the secret to a later step instead."},
      {"engine.secret.no_authority", invalid,
       "A step needs a secret, and the lane names no authority for secrets.",
       "Add [secrets] to the lane."},
      {"engine.secret.own", invalid,
       "The lane's secret authority needs a secret itself before it can be asked for any. That one "
       "comes from a bundle sealed to this runner, and the lane configures none.",
       "hyops secret seal, then [plugins.\"hyops.secrets.offline-bundle\"] in the lane."},
      {"engine.secret.unavailable", unavailable,
       "The helper of the secret authority died or did not answer in time, and another one, too. "
       "Nothing was changed by it.",
       "hyops plugin list, then hyops run resume RUN"},
      {"engine.secret.lease", expired,
       "What the secret authority gave ends before the step that needs it could have ended, and "
       "the authority gave nothing that lasts longer. The step's tool was not started.",
       "Renew it at the authority, or have it give longer leases, then: hyops run resume RUN"},
      {"engine.secret.missing", unavailable,
       "The secret authority answered without the secret that was asked for.",
       "hyops secret show BUNDLE"},
  };
  return entries;
}

}  // namespace hyops::catalogue_of
