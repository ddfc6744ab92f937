// The plan as canonical JSON and back: the digest is over these bytes.
#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "plan/plan.hpp"

namespace hyops::plan {
namespace {

Json input_json(const Input& input) {
  Json out{
      {"from", input.from}, {"known", input.known}, {"type", input.type}, {"value", input.value}};
  if (!input.reference.empty()) out["reference"] = input.reference;
  return out;
}

Json step_json(const Step& step) {
  Json inputs = Json::object();
  for (const auto& [name, input] : step.inputs) inputs[name] = input_json(input);
  Json out{
      {"id", step.id},
      {"module", step.module},
      {"instance", step.instance},
      {"phase", contract::name(step.phase)},
      {"needs", step.needs},
      {"driver", contract::name(step.driver)},
      {"pack", {{"name", step.pack}, {"version", step.pack_version}, {"digest", step.pack_digest}}},
      {"inputs", inputs},
      {"outputs", step.outputs},
      {"resources", step.resources},
      {"timeout_ms", step.timeout_ms},
      {"idempotent", step.idempotent},
      {"irreversible", step.irreversible}};
  if (step.driver == contract::Driver::plugin) {
    out["plugin"] = {{"id", step.plugin},
                     {"digest", step.plugin_digest},
                     {"interface", step.interface},
                     {"verb", step.verb}};
    if (!step.authority.empty()) out["plugin"]["authority"] = step.authority;
    if (!step.mode.empty()) out["plugin"]["mode"] = step.mode;
    if (!step.platforms.empty()) out["plugin"]["platforms"] = step.platforms;
  }
  if (step.metadata) out["metadata"] = true;
  if (!step.proofs.empty()) out["proofs"] = step.proofs;
  if (!step.fenced.empty()) out["fenced"] = step.fenced;
  if (!step.forecast.is_null()) out["forecast"] = step.forecast;
  return out;
}

std::optional<contract::Driver> driver_of(const std::string& text) {
  using enum contract::Driver;
  for (const auto driver : {process, ansible, terraform, packer, plugin})
    if (contract::name(driver) == text) return driver;
  return std::nullopt;
}

// A plan may come from another machine: everything the engine relies on is checked here, once.
Step parse_step(const Json& from) {
  Step step;
  step.id = from.at("id");
  step.module = from.at("module");
  step.instance = from.at("instance");
  const auto phase = contract::phase(from.at("phase").get<std::string>());
  const auto driver = driver_of(from.at("driver").get<std::string>());
  if (!is_name(step.id) || !is_path_name(step.module) || !is_name(step.instance) || !phase ||
      !driver)
    throw std::invalid_argument("step " + printable(step.id, 80) +
                                " has a bad name, phase or driver");
  step.phase = *phase;
  step.driver = *driver;
  step.needs = from.at("needs").get<std::vector<std::string>>();
  const Json& pack = from.at("pack");
  step.pack = pack.at("name");
  step.pack_version = pack.at("version");
  step.pack_digest = pack.at("digest");
  if (!is_path_name(step.pack))
    throw std::invalid_argument("step " + step.id + " names a bad pack");
  for (const auto& [name, input] : from.at("inputs").items()) {
    if (!is_name(name))
      throw std::invalid_argument("step " + step.id + " has an input with a bad name");
    step.inputs[name] = {input.at("value"), input.at("known"), input.at("from"),
                         get_string(input, "reference"), input.at("type")};
  }
  step.outputs = from.at("outputs").get<std::map<std::string, std::string>>();
  step.resources = from.at("resources").get<std::vector<std::string>>();
  step.timeout_ms = from.at("timeout_ms");
  step.idempotent = from.at("idempotent");
  step.irreversible = from.at("irreversible");
  if (step.driver == contract::Driver::plugin) {
    const Json& plugin = from.at("plugin");
    step.plugin = plugin.at("id");
    step.plugin_digest = plugin.at("digest");
    step.interface = plugin.at("interface");
    step.verb = plugin.at("verb");
    step.authority = get_string(plugin, "authority");
    step.mode = get_string(plugin, "mode");
    step.platforms = plugin.value("platforms", std::vector<std::string>{});
  }
  step.metadata = get_bool(from, "metadata");
  if (from.contains("proofs")) step.proofs = from["proofs"].get<std::vector<std::string>>();
  if (from.contains("fenced")) step.fenced = from["fenced"].get<std::vector<std::string>>();
  if (from.contains("forecast")) step.forecast = from["forecast"];
  return step;
}

}  // namespace

std::string slot_of(const Step& step) {
  return step.authority.empty() ? step.module + "#" + step.instance : authority_slot;
}

const Step* Plan::find(const std::string& id) const {
  for (const auto& step : steps)
    if (step.id == id) return &step;
  return nullptr;
}

Json to_json(const Plan& plan) {
  Json steps = Json::array();
  for (const auto& step : plan.steps) steps.push_back(step_json(step));
  Json out{{"plan", 1},
           {"title", plan.title},
           {"blueprint",
            {{"name", plan.blueprint},
             {"version", plan.blueprint_version},
             {"digest", plan.blueprint_digest}}},
           {"lane", plan.lane},
           {"lane_kind", plan.lane_kind},
           {"lane_digest", plan.lane_digest},
           {"epoch", plan.epoch},
           {"profile", {{"name", plan.profile}, {"digest", plan.profile_digest}}},
           {"execution_plane", plan.execution_plane},
           {"target", plan.target},
           {"steps", steps},
           {"policy", plan.policy},
           {"blast_radius", plan.blast_radius},
           {"cost", plan.cost},
           {"modules", plan.modules},
           {"tools", plan.tools}};
  out.update(plan.origin);  // "decision" or "request"
  if (plan.secrets_from != contract::home_authority) out["secrets_from"] = plan.secrets_from;
  if (plan.rto_ms) out["rto_ms"] = *plan.rto_ms;
  if (plan.rpo_ms) out["rpo_ms"] = *plan.rpo_ms;
  for (const auto& [rule, why] : plan.accepted)
    out["accepted"][rule] = {{"reason", why.reason}, {"from", why.from}};
  return out;
}

Result<Plan> parse_plan(const Json& document) {
  try {
    if (document.at("plan") != 1) return fail("plan.malformed", "the plan is of another version");
    Plan plan;
    const Json& blueprint = document.at("blueprint");
    plan.blueprint = blueprint.at("name");
    plan.blueprint_version = blueprint.at("version");
    plan.blueprint_digest = blueprint.at("digest");
    plan.title = document.at("title");
    plan.lane = document.at("lane");
    plan.lane_kind = document.at("lane_kind");
    plan.lane_digest = document.at("lane_digest");
    plan.epoch = document.at("epoch");
    plan.profile = document.at("profile").at("name");
    plan.profile_digest = document.at("profile").at("digest");
    plan.execution_plane = document.at("execution_plane");
    plan.target = document.at("target");
    plan.secrets_from = get_string(document, "secrets_from", contract::home_authority);
    if (!is_name(plan.lane) || !is_name(plan.profile) || !is_path_name(plan.blueprint))
      return fail("plan.malformed", "the plan names a lane, profile or blueprint no file can have");
    plan.policy = document.at("policy");
    plan.blast_radius = document.at("blast_radius");
    plan.cost = document.at("cost");
    plan.modules = document.at("modules").get<std::map<std::string, std::string>>();
    plan.tools = document.at("tools").get<std::map<std::string, std::string>>();
    for (const char* key : {"decision", "request"})
      if (document.contains(key)) plan.origin[key] = document[key];
    if (document.contains("rto_ms")) plan.rto_ms = document["rto_ms"].get<int64_t>();
    if (document.contains("rpo_ms")) plan.rpo_ms = document["rpo_ms"].get<int64_t>();
    if (document.contains("accepted"))
      for (const auto& [rule, why] : document["accepted"].items())
        plan.accepted[rule] = {why.at("reason"), why.at("from")};
    std::map<std::string, size_t> position;
    for (const auto& step : document.at("steps")) {
      plan.steps.push_back(parse_step(step));
      if (!position.emplace(plan.steps.back().id, plan.steps.size() - 1).second)
        return fail("plan.malformed", "the plan has the step " + plan.steps.back().id + " twice");
    }
    for (size_t i = 0; i < plan.steps.size(); ++i) {
      const auto before = [&](const std::string& id) {
        const auto found = position.find(id);
        return found != position.end() && found->second < i &&
               plan.steps[found->second].phase <= plan.steps[i].phase;
      };
      for (const auto& need : plan.steps[i].needs)
        if (!before(need))
          return fail("plan.malformed", "step " + plan.steps[i].id + " needs " +
                                            printable(need, 80) +
                                            ", which is not before it in the plan");
      for (const auto& [name, input] : plan.steps[i].inputs)
        if (!input.reference.empty() && !before(split(input.reference, '.')[0]))
          return fail("plan.malformed", "input " + name + " of step " + plan.steps[i].id +
                                            " refers to nothing before it");
    }
    // A plan with members this version does not know would be another plan than the one approved.
    if (to_json(plan) != document)
      return fail("plan.malformed", "the plan holds members this version does not know");
    return plan;
  } catch (const std::exception& error) {
    return fail("plan.malformed", std::string("the plan cannot be read: ") + error.what());
  }
}

Result<PlanDigest> digest(const Plan& plan) {
  auto text = digest_of_json(to_json(plan));
  if (!text) return pass(text, "while computing the digest of the plan");
  return PlanDigest(*text);
}

}  // namespace hyops::plan
