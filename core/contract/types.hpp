// What the contract files say, as plain structs. Loading never changes meaning: what is not written
// is absent here, and defaults are applied by the planner, where their provenance is kept.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace hyops::contract {

// --- the typed-input language
// ---------------------------------------------------------------------

enum class Kind {
  string,
  integer,
  boolean,
  duration,
  address,
  cidr,
  dns_name,
  host,
  endpoint,
  secret,
  digest,
  list,
  map
};

struct Type {
  Kind kind = Kind::string;
  std::shared_ptr<const Type> of;  // of list and map only
  std::string text() const;        // "list<endpoint>", as written
  bool operator==(const Type& other) const;
};

// May a value of type `from` be used where `to` is wanted? Equal types, and string for the textual
// ones (the value is checked then). Never host for endpoint: access is its own step (C3, A6).
bool fits(const Type& from, const Type& to);
std::optional<Type> parse_type(std::string_view text);  // nothing for what is no type

class Pattern;  // a compiled `pattern`: bounded in time and memory whatever it is matched against

struct Field {
  std::string name;
  Type type;
  bool required = false;
  std::optional<Json> fallback;  // `default`
  std::vector<Json> one_of;
  std::string pattern;
  std::shared_ptr<const Pattern>
      matcher;                      // of `pattern`; check_value compiles it where it is absent
  std::optional<int64_t> min, max;  // int: value; duration: ms; string, list, map: length
  std::string unit, doc;
  Place place;
};
using Fields = std::map<std::string, Field>;

// Checks one value (durations already in ms) against a field. The error names the field, what was
// found and what was expected (contract.value.*).
Status check_value(const Field& field, const Json& value);

// The same for a value as a person wrote it: durations are "15m" and become ms (also inside lists
// and maps). Literals of blueprints and the defaults of profiles and lanes are kept as written,
// because only the module knows their type; whoever merges them passes them through here, once.
Result<Json> read_value(const Field& field, const Json& written);

// The JSON Schema (draft 2020-12) of such fields, for editors and plugin authors.
Json json_schema(const Fields& fields);

// --- modules and packs
// ----------------------------------------------------------------------------

struct Effects {
  std::vector<std::string> hosts, dns_names, secrets;  // names of inputs (hosts: or outputs)
  std::vector<std::string> proofs;  // of inputs that want, or an output that is, a fence's proof
  std::vector<std::string> fenced;  // of inputs: the hosts that such a proof must be about
  std::string authority;  // of inputs: which authority the lane's secrets come from then (E6)
  std::vector<std::string> files;
  bool irreversible = false;
};

struct Module {
  std::string name, version, title, doc;
  Fields inputs, outputs;
  Effects effects;
  std::filesystem::path folder;
};

enum class Driver { process, ansible, terraform, packer, plugin };
std::string_view name(Driver driver);

struct Pack {
  std::string name, version, module;
  Driver driver = Driver::process;
  std::optional<int64_t> timeout_ms;
  bool idempotent = false;
  bool metadata = false;  // its tools may ask the metadata service of the runner's machine (K7)
  std::map<std::string, std::string> tools;  // executable -> version wanted, ">=2.14"
  std::vector<std::string> run, observe;     // process: argv relative to the pack
  std::string playbook, observe_playbook;    // ansible
  std::string root;                          // terraform
  std::string image_template;                // packer
  std::string plugin, interface, verb;       // plugin
  std::string mode;                          // of access: which of access_modes() it stands for
  // Of access and placement: where its hosts stand. Empty: anywhere, or it is not said.
  std::vector<std::string> platforms;
  std::filesystem::path folder;
  // It names no plugin: the one that is asked is the lane's authority that the module says.
  bool of_lanes_authority() const { return interface == "hyops.secret/1" && plugin.empty(); }
};

// The ways to reach hosts, one of which every access pack and every profile names (A1 to A5).
const std::vector<std::string>& access_modes();

// --- profiles and lanes
// ---------------------------------------------------------------------------

struct Retry {
  int attempts = 1;  // in all
  int64_t pause_ms = 0;
};

enum class Severity { must, should };  // a should may be passed over for a reason that is kept

// What a profile wants besides the standard's obligations: of one input of each step, or of each
// step of one module. Held against the value when planning, or just before the step where an
// earlier step gives it.
struct ProfileRule {
  std::string id, sentence, module;  // module: empty for all
  Field field;                       // its name, one_of, pattern, min, max; the type is the step's
  std::vector<std::string> within;   // networks that each address lies in
  Severity severity = Severity::must;
};

// When runs may start: spans of a week, in UTC.
struct Window {
  struct Span {
    int64_t from = 0, until = 0;  // ms since Monday 00:00; until may lie beyond the week's end
  };
  std::vector<Span> open;           // empty: always
  std::vector<std::string> except;  // types of decisions that need not wait
  bool is_open(int64_t wall_ms) const;
};

struct Profile {
  std::string name, title;
  std::vector<std::string> lane_kinds;                          // drill, live
  std::map<std::string, std::string> bind;                      // module -> pack
  std::map<std::string, std::map<std::string, Json>> defaults;  // module -> input -> value
  int approvals_required = 1;
  bool approver_is_not_requester = true;
  int64_t approval_valid_ms = 3'600'000;
  std::vector<std::string> approval_by;  // whose approvals count; empty: every approver's
  std::map<FailureClass, Retry> retry;
  int parallel = 4;
  std::map<std::string, int> resource_limits;  // [limits.resources] name -> how many at once
  int64_t step_timeout_ms = 600'000;
  int64_t proof_age_ms = 900'000;  // how old the last look at a fence may be (L1, L12)
  std::string connectivity = "runner-local";
  std::vector<std::string> gates_before;  // phases
  std::string validation_depth = "full";
  std::vector<std::string> validation_phases;  // what cuts over has a step in each of these
  std::string cost_currency = "EUR";
  std::optional<int64_t> cost_max_micro;  // per run, micro-units; absent = no budget declared
  std::string naming = "{lane}-{name}";
  std::vector<ProfileRule> rules;
  Window window;
  std::map<std::string, Severity> severity;  // code of a rule -> what it is here; only ever must
  std::map<std::string, Place> places;       // of keys that a rule may name: "cost.max_per_run"
  std::filesystem::path file;
};

struct RunnerIdentity {
  std::string plane, key, seal;          // minisign public key; X25519 public key in base64
  Json endpoint;                         // an `endpoint` value, null where not reachable from here
  std::string hyops = "/usr/bin/hyops";  // what a dispatcher starts there
};

struct SecretAuthority {
  std::string plugin;  // id; empty: none
  Json config;
};

struct Lane {
  std::string name, kind, profile;  // kind: drill | live
  int64_t epoch = 1;
  std::map<std::string, std::string> approvers, deciders;  // name -> minisign public key
  std::map<std::string, RunnerIdentity> runners;
  SecretAuthority secrets, standby;     // in normal operation, and where a run may move it to (E6)
  std::map<std::string, Json> plugins;  // plugin id -> configuration
  std::map<std::string, Json> facts;
  std::map<std::string, std::map<std::string, Json>> defaults;
  std::map<std::string, std::string> accepted;  // code of a should -> why it is passed over here
  std::map<std::string, std::string> projects;  // C4: host, control, workload
  bool shared_roles = false;
  std::filesystem::path file;
  // "home" or "standby"; null where the lane names none of that name.
  const SecretAuthority* authority(std::string_view which) const;
  // The runner of this plane: the one that is called like it, else the only one. Empty: there is
  // none, or somebody has to say which.
  std::string runner_in(const std::string& plane) const;
};
inline constexpr const char *home_authority = "home", *standby_authority = "standby";

// --- blueprints
// -----------------------------------------------------------------------------------

enum class Phase {
  fence,
  egress,
  place,
  access,
  secrets,
  data,
  workload,
  readiness,
  cutover,
  rearm,
  publish
};
std::string_view name(Phase phase);
std::optional<Phase> phase(std::string_view name);

// "step.output", "lane.fact" or "state:module#instance.output".
struct Reference {
  enum class Of { step, lane, state } of = Of::step;
  std::string step;              // of step
  std::string module, instance;  // of state
  std::string name;              // the output or fact
  std::string text() const;
};

struct Binding {  // what a step's input is bound to: a literal or a reference
  Json literal;
  std::optional<Reference> from;
  Place place;
};

struct Step {
  std::string id, module, instance;  // instance defaults to the id
  Phase phase = Phase::data;
  std::vector<std::string> needs;
  std::optional<int64_t> timeout_ms;
  std::map<std::string, Binding> inputs;
  std::vector<std::string> resources;  // names limited by the profile, beside the hosts it touches
  Place place;
};

struct Blueprint {
  std::string name, version, title, doc, twin;
  std::vector<std::string> decision;  // types that may start it
  std::string execution_plane = "runner-local";
  std::optional<int64_t> rto_ms, rpo_ms;
  std::vector<Step> steps;  // in the order written
  std::filesystem::path folder;
};

// --- the lock
// -------------------------------------------------------------------------------------

struct Lock {  // hyops.lock: name -> "sha256:..."
  std::map<std::string, std::string> blueprints, modules, packs, plugins, profiles;
  std::map<std::string, std::string> tools;  // tool -> version that packs want
};

}  // namespace hyops::contract
