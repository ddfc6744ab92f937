// A plan is everything that is known before a run: which steps, in which order, with which inputs
// from where, touching what, at what cost. Its digest is what people approve and what runs (L10).
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "contract/load.hpp"

namespace hyops::plan {

struct Input {
  Json value;  // null while unknown; of a secret: its name
  bool known = true;
  std::string from;       // provenance in words: "lane drill, fact stanza"
  std::string reference;  // "step.output" if it comes from a step of this run, else empty
  std::string type;       // as the module declares it
};

struct Step {
  std::string id, module, instance;
  contract::Phase phase = contract::Phase::data;
  std::vector<std::string> needs;  // sorted; explicit ones and those of references
  contract::Driver driver = contract::Driver::process;
  std::string pack, pack_version, pack_digest;
  std::string plugin, plugin_digest, interface, verb;  // driver plugin
  std::string authority;               // the lane's secrets come from there then (E6), or empty
  std::string mode;                    // of access: "runner-local", as the pack declares it
  std::vector<std::string> platforms;  // as the pack declares them (A4)
  std::map<std::string, Input> inputs;
  std::map<std::string, std::string> outputs;  // name -> type
  std::vector<std::string> resources;          // limited by the profile's [limits.resources]
  std::vector<std::string> proofs;             // inputs that take the proof of a fence (L12)
  std::vector<std::string> fenced;             // inputs with the hosts that it must be about
  int64_t timeout_ms = 0;
  bool idempotent = false;
  bool irreversible = false;
  bool metadata = false;  // as the pack declares it (K7)
  Json forecast;          // what a plugin's `plan` verb said; null where there is none
};

// Why a should is passed over, and whose word that is: "operator" or "lane drill".
struct Accepted {
  std::string reason, from;
};

// Members of a blast radius, in the order in which people are told; each is a list of words.
inline constexpr std::array blast_radius_members{"hosts",    "addresses",        "dns_names",
                                                 "secrets",  "secret_authority", "files",
                                                 "metadata", "irreversible",     "unknown"};

struct Plan {
  std::string blueprint, blueprint_version, blueprint_digest, title;
  std::string lane, lane_kind, lane_digest, profile, profile_digest;
  int64_t epoch = 0;
  std::string execution_plane, target;
  std::string secrets_from = contract::home_authority;  // as the run begins
  Json origin;              // {"decision":{"id","type","digest"}} or {"request":{"by","reason"}}
  std::vector<Step> steps;  // in an order that satisfies needs and phases
  Json policy;              // retries, gates, limits, approvals as they will be applied
  Json blast_radius;        // its members; secret_authority and metadata where there is any
  Json cost;  // {currency, micro_per_hour, estimate_micro, cap_micro} or {unknown:[...]}
  std::optional<int64_t> rto_ms, rpo_ms;
  std::map<std::string, std::string> modules;  // module -> digest of its folder
  std::map<std::string, std::string> tools;    // tool -> version wanted by some pack
  std::map<std::string, Accepted> accepted;    // code or profile's id of a should -> why
  const Step* find(const std::string& id) const;
};

// Where the lane's state keeps what a step publishes: "module#instance"; of one that moves the
// lane's secret authority: the one place that says which is in force, {"authority": "standby"}.
std::string slot_of(const Step& step);
inline constexpr const char* authority_slot = "secrets/authority#lane";

Json to_json(const Plan& plan);
Result<Plan> parse_plan(const Json& document);  // plan.malformed
Result<PlanDigest> digest(const Plan& plan);    // over the canonical form of to_json

// Everything a plan pins, as a lane's hyops.lock writes it.
contract::Lock lock_of(const Plan& plan);
// Is everything the plan pins what the lane has locked? plan.lock.{missing,changed}
Status check_lock(const Plan& plan, const contract::Lock& agreed);

// What the planner asks of the world. Everything it is told ends in the plan with its provenance.
struct World {
  // What a slot of the lane's state holds, of this epoch only (E9); null: nothing.
  std::function<Result<Json>(const std::string& key)> state;
  // A plugin's pure `plan` verb; null where the step's verb has none.
  std::function<Result<Json>(const contract::Pack&, const Json& inputs)> forecast;
  // Digest of an installed plugin.
  std::function<Result<std::string>(const std::string& plugin)> plugin_digest;
};

struct Question {
  const contract::Blueprint* blueprint = nullptr;
  const contract::Lane* lane = nullptr;
  std::string target;
  Json origin;
  std::map<std::string, Json> inputs;  // operator's "step.input" -> value, the highest layer
  std::map<std::string, std::string> accepted;  // operator's: code, ID or profile's id -> reason
  enum class Inputs : bool { as_written, as_planned } inputs_are = Inputs::as_written;  // 15m or ms
};

// Everything wrong is reported at once. Merge order, lowest first: module default, profile, lane,
// blueprint, operator. Nothing else contributes: no environment, no clock, no host (L15); the same
// question gives the same bytes.
std::optional<Plan> resolve(const Question& question, contract::Catalog& catalog,
                            const World& world, contract::Diagnostics& problems);

// The blast radius and the cost of a plan's steps.
struct Effects {
  Json blast_radius, cost;
};
Effects effects_of(const Plan& plan, const contract::Profile& profile, contract::Catalog& catalog,
                   contract::Diagnostics& problems);

// Is the plan what blueprint, lane, profile and catalogue give here? Nothing of it is taken from
// its author but what the operator gave, the state it found and the forecasts of plugins, which its
// approvers see. A phase that was moved, a gate that was dropped or an effect that was left out is
// refused, whoever approved it (E4, G2, L10): plan.unfaithful, or what resolve has to say.
Status check_faithful(const Plan& plan, const contract::Blueprint& blueprint,
                      const contract::Lane& lane, contract::Catalog& catalog);

// Obligations and the profile's own rules, as they can be judged before a run; what stands against
// the plan is appended with ID and field (policy.*). Blueprint and lane say more precisely where.
void judge(const Plan& plan, const contract::Profile& profile, contract::Diagnostics& problems,
           const contract::Lane* lane = nullptr, const contract::Blueprint* blueprint = nullptr);

// The profile's rules for values that only an earlier step of the run gave: policy.profile
Status judge_inputs(const Plan& plan, const Step& step, const Json& inputs,
                    const contract::Profile& profile);

// What differs, in sentences, most important first.
std::vector<std::string> diff(const Plan& before, const Plan& after);

}  // namespace hyops::plan
