#include "base/catalogue/areas.hpp"

namespace hyops::catalogue_of {

std::span<const CatalogueEntry> contract() {
  using enum FailureClass;
  static constexpr CatalogueEntry entries[] = {
      {"contract.toml.syntax", invalid,
       "A contract file is not TOML; reading stops at the first place that cannot be understood.",
       "Repair the line that is named; docs/contracts.md shows every file."},
      {"contract.toml.character", invalid,
       "Contract files are printable ASCII. Comments may hold anything; a string writes other "
       "characters as \\u00e4.",
       "Replace the character that is named."},
      {"contract.toml.nesting", invalid,
       "Lists and tables nest deeper than 32, or a key has more than 32 parts.",
       "Nothing hyops reads needs this: check that the right file was named."},
      {"contract.toml.float", invalid,
       "A floating-point number has no single spelling, so no digest over it could be checked.",
       "Write an integer in a smaller unit, or a string like \"5.00\"."},
      {"contract.toml.date", invalid,
       "A date or time of TOML stands where hyops has no use for one.",
       "Write it as a string in quotes."},
      {"contract.file.too_many", invalid,
       "A file has more than 100 errors; the rest is not listed.",
       "Repair the first ones, or check that the right file was named."},
      {"contract.file.broken", invalid,
       "Something refers to a file that has errors of its own, told before.",
       "Repair that file first: hyops blueprint check --all"},
      {"contract.key.unknown", invalid,
       "A file has a key that hyops does not know, so nobody would ever read it.",
       "Correct or remove it; docs/contracts.md lists the keys of every file."},
      {"contract.key.missing", invalid, "A key that every file of its kind has is missing.",
       "Add it; docs/contracts.md shows an example of every file."},
      {"contract.value.type", invalid, "A value is of another type than its key or input declares.",
       "Write a value of the type that is named."},
      {"contract.value.empty", invalid, "A value is empty that means nothing when it is empty.",
       "Fill it in."},
      {"contract.value.range", invalid,
       "A number, duration or length lies outside what is allowed.",
       "Choose a value inside the bounds that are named."},
      {"contract.value.choice", invalid, "A value is not one of the few that are possible.",
       "Choose one of those that are named."},
      {"contract.value.pattern", invalid, "A text does not have the form that its field declares.",
       "Write it in the form that is named."},
      {"contract.value.duration", invalid,
       "A duration is not written like 500ms, 30s, 15m, 4h or 2d, in quotes.",
       "Write a number and one unit, in quotes."},
      {"contract.value.address", invalid,
       "A value is not an IPv4 or IPv6 address. Names are not addresses: they resolve differently "
       "after a cutover.",
       "Write the address in numbers."},
      {"contract.value.cidr", invalid,
       "A value is not a network in CIDR notation, or it has bits set beyond its prefix.",
       "Write the network's first address and its prefix length."},
      {"contract.value.dns_name", invalid,
       "A value is not a DNS name: labels of letters, digits, - and _, at most 63 characters each.",
       "Write a name like db.example.org."},
      {"contract.value.object", invalid,
       "A host or endpoint lacks a member, has one too many, or has one that is spelled wrong.",
       "Compare it with the members in docs/contracts.md."},
      {"contract.value.secret", invalid,
       "Where the name of a secret belongs stands something that is no name. If it was the secret "
       "itself, it is now in a file in plain text.",
       "Write the secret's name; change the secret if its value was written down here."},
      {"contract.value.digest", invalid, "A digest is not sha256: and 64 hexadecimal digits.",
       "Let hyops write the digest."},
      {"contract.value.key", invalid,
       "A public key is not spelled as minisign (or, for seal, base64 of 32 bytes) spells it.",
       "hyops key show"},
      {"contract.value.version", invalid,
       "A version is not three numbers like 1.0.0 (for tools: a sign and numbers like >=2.14).",
       "Write it in that form."},
      {"contract.value.window", invalid,
       "A span of the week is not written like mon-fri 20:00-06:00.",
       "Write days (mon, mon-fri or daily), one space, and hours in UTC."},
      {"contract.profile.loosens", denied,
       "A profile adds to the standard's obligations. What would take from one of them, for "
       "example "
       "unknown prices that are allowed, or approvals that nobody has to give in a live lane, is "
       "refused where it is written.",
       "Take it out of the profile; a should can be passed over with a reason: hyops plan "
       "--accept."},
      {"contract.value.money", invalid, "An amount of money is not a number like 5.00 in quotes.",
       "Write it in that form."},
      {"contract.value.reference", invalid,
       "A reference is not step.output, lane.fact or state:module#instance.output, or something "
       "stands beside its from.",
       "Write it in one of the three forms."},
      {"contract.name.malformed", invalid, "A name has characters that names do not have.",
       "Use small letters, digits and dashes (fields: underscores)."},
      {"contract.name.mismatch", invalid,
       "A file calls itself by another name than the folder it stands in says.",
       "Rename one of the two."},
      {"contract.type.unknown", invalid, "A field declares a type that does not exist.",
       "Choose one of the types that are named."},
      {"contract.pattern.malformed", invalid,
       "A pattern is not a regular expression that can be matched in bounded time: no look-ahead, "
       "no "
       "back-references, at most 256 characters.",
       "Simplify the pattern."},
      {"contract.field.contradiction", invalid,
       "What a field declares contradicts itself, so some of it would never have an effect.",
       "Remove the part that is named."},
      {"contract.effects.unknown", invalid,
       "The effects of a module name an input or output that it does not have.",
       "Name one that exists: approvers judge the blast radius by it."},
      {"contract.effects.type", invalid,
       "The effects of a module name a field that cannot be what they say it is.",
       "Name fields of type host or endpoint under hosts, secret under secrets, dns_name or string "
       "under dns_names."},
      {"contract.pack.authority", invalid,
       "A pack that stands for the lane's secret authority names no plugin and asks for the verb "
       "transition, and its module says under effects.authority which input names the authority.",
       "See catalog/packs/secrets/authority."},
      {"contract.pack.file", invalid,
       "A pack names a file that is not in its folder, or that lies outside it.",
       "Put the file into the pack's folder, or correct the path."},
      {"contract.pack.other_driver", invalid,
       "A pack has a section for a driver that it does not use.",
       "Remove the section, or change the driver."},
      {"contract.unknown.module", invalid, "A module is named that the catalogue does not have.",
       "hyops blueprint list"},
      {"contract.unknown.pack", invalid, "A pack is named that the catalogue does not have.",
       "Check catalog/packs."},
      {"contract.unknown.profile", invalid, "A profile is named that the catalogue does not have.",
       "Check catalog/profiles."},
      {"contract.unknown.blueprint", invalid,
       "A blueprint is named that the catalogue does not have.", "hyops blueprint list"},
      {"contract.step.duplicate", invalid,
       "Two steps of a blueprint have one id, or share one state slot (module and instance).",
       "Rename one of them, or give it an instance of its own."},
      {"contract.step.unknown", invalid,
       "A step needs, or refers to, a step that the blueprint does not have.", "Correct the id."},
      {"contract.step.self", invalid, "A step needs itself, so it could never start.",
       "Remove the need or the reference."},
      {"contract.input.unknown", invalid,
       "A value is given for an input that the module does not have.",
       "hyops schema export MODULE"},
      {"contract.input.missing", invalid,
       "A step leaves a required input open. Defaults of profiles and lanes are for optional "
       "inputs; "
       "what is required stands in the blueprint.",
       "Bind it to a value, or to { from = \"lane.<fact>\" } where the lane decides."},
      {"contract.output.unknown", invalid,
       "A reference names an output that the module does not have.", "hyops schema export MODULE"},
      {"contract.reference.type", invalid,
       "An output is used for an input of another type. A host is never an endpoint: access is "
       "opened and proven by its own step (C3, A6).",
       "Refer to an output of the right type."},
      {"contract.cycle", invalid, "Steps need each other in a circle, so none of them could start.",
       "Remove one of the needs or references on the path that is named."},
      {"contract.phase.order", invalid,
       "A step needs a step of a later phase. Phases are barriers: that step starts only when this "
       "one has ended.",
       "Move one of the two to another phase."},
      {"contract.phase.no_data", invalid,
       "A blueprint cuts over without having recovered data (E4).",
       "Add the steps that recover and verify the data, in phase data."},
      {"contract.phase.no_secrets", invalid,
       "A blueprint cuts over with steps that take secrets, but has no phase that brings them "
       "(E5).",
       "Add a step in phase secrets."},
      {"contract.phase.no_readiness", invalid,
       "A blueprint cuts over without proving that the target is ready.",
       "Add a step in phase readiness."},
      {"contract.phase.no_fence", invalid,
       "A failover or failback writes data or cuts over without fencing the old primary: two could "
       "serve at once (L12).",
       "Add a step in phase fence."},
      {"contract.phase.no_cutover", invalid,
       "A blueprint re-arms protection without a cutover: what it would protect serves nobody yet.",
       "Add the cutover, or leave rearm out."},
      {"contract.twin.missing", invalid,
       "A recovery blueprint names no twin: a failover without its failback is a one-way street "
       "(G10).",
       "Name the twin, and write it."},
      {"contract.twin.one_sided", invalid,
       "The twin of a blueprint does not name this blueprint as its twin.",
       "Correct twin in one of the two."},
      {"contract.plane.required", invalid,
       "Recovery and burst run on a runner inside the target's plane, never on a workstation (E1, "
       "E2, E8).",
       "Remove execution_plane: runner-local is the default."},
      {"contract.binding.missing", invalid, "A profile binds no pack to a module that is used.",
       "Add it to [bind] of the profile."},
      {"contract.twin.authority", invalid,
       "A blueprint moves the lane's secret authority and its twin does not: what a failover "
       "moved, a failback moves back (E6).",
       "Add a step of the same module to the twin, with to = \"home\"."},
      {"contract.binding.other_module", invalid,
       "A profile binds a module to a pack that implements another one.",
       "Bind a pack whose module is the one that is named."},
      {"contract.lane.kind", denied,
       "A lane uses a profile that is not for lanes of its kind: drills and live lanes do not "
       "share "
       "policy (E9, G6).",
       "Choose a profile whose lane_kinds names the lane's kind."},
      {"contract.project.bare", invalid,
       "A bare project_id does not say which of the three roles it has (C4): networks and "
       "placement "
       "live in the host project, secrets and object repositories in the control project.",
       "Use host_project, control_project or workload_project; a lane's [projects] names all "
       "three."},
      {"contract.project.shared", invalid,
       "Two project roles name one project without saying that this is meant (C4).",
       "Set shared_roles = true in [projects], or use two projects."},
      {"contract.project.differs", invalid,
       "A plugin is configured with a project for a role that the lane's [projects] does not name "
       "for it: it would reach into another project than the rest of the lane (C4). A lane that "
       "has "
       "no [projects] stands on a platform that has none, and no plugin of such a platform is for "
       "it "
       "(A4).",
       "Write the same project in [projects] and for the plugin, or use another plugin in this "
       "lane."},
  };
  return entries;
}

}  // namespace hyops::catalogue_of
