// From blueprint, lane and profile to a plan: merges inputs with their provenance, binds modules to
// packs, follows references.
#include <algorithm>
#include <unordered_map>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "plan/order.hpp"
#include "plan/policy.hpp"

namespace hyops::plan {
namespace {

using contract::Diagnostics;
using contract::Kind;

class Resolver {
 public:
  Resolver(const Question& question, contract::Catalog& catalog, const World& world,
           Diagnostics& problems)
      : question_(question),
        lane_(*question.lane),
        blueprint_(*question.blueprint),
        catalog_(catalog),
        world_(world),
        problems_(problems) {}

  std::optional<Plan> run() {
    const size_t before = problems_.size();
    profile_ = catalog_.profile(lane_.profile, {lane_.file.string(), 0, 0}, problems_);
    if (!profile_) return std::nullopt;
    contract::check_blueprint(blueprint_, catalog_, problems_);
    if (problems_.size() != before) return std::nullopt;  // what follows would only repeat it
    contract::check_bindings(blueprint_, *profile_, catalog_, problems_);
    contract::check_lane(lane_, catalog_, problems_);
    check_operator_inputs();
    if (problems_.size() != before) return std::nullopt;
    fill_header();
    find_authority();
    for (const size_t at : order(blueprint_.steps)) add_step(blueprint_.steps[at]);
    if (problems_.size() != before) return std::nullopt;
    const Effects effects = effects_of(plan_, *profile_, catalog_, problems_);
    plan_.blast_radius = effects.blast_radius;
    plan_.cost = effects.cost;
    accept();
    if (problems_.size() != before) return std::nullopt;
    return std::move(plan_);
  }

 private:
  void problem(const Place& place, std::string_view code, std::string message) {
    problems_.push_back(fail_at(place, code, std::move(message)).value());
  }

  void check_operator_inputs() {
    std::vector<std::string> known;
    for (const auto& step : blueprint_.steps)
      if (const auto* module = catalog_.module(step.module, step.place, problems_))
        for (const auto& [name, field] : module->inputs) known.push_back(step.id + "." + name);
    for (const auto& [name, value] : question_.inputs)
      if (std::find(known.begin(), known.end(), name) == known.end())
        problem({"--input", 0, 0}, "plan.input.unknown",
                "no step of " + blueprint_.name + " has the input \"" + printable(name, 100) +
                    "\"." + did_you_mean(name, known));
  }

  void fill_header() {
    plan_.title = blueprint_.title;
    plan_.blueprint = blueprint_.name;
    plan_.blueprint_version = blueprint_.version;
    plan_.lane = lane_.name;
    plan_.lane_kind = lane_.kind;
    plan_.epoch = lane_.epoch;
    plan_.profile = profile_->name;
    plan_.execution_plane = blueprint_.execution_plane;
    plan_.target = question_.target;
    plan_.origin = question_.origin;
    plan_.rto_ms = blueprint_.rto_ms;
    plan_.rpo_ms = blueprint_.rpo_ms;
    plan_.blueprint_digest = pinned(digest_of_tree(blueprint_.folder));
    plan_.lane_digest = pinned(digest_of_file(lane_.file));
    plan_.profile_digest = pinned(digest_of_file(profile_->file));
    Json retry = Json::object();
    for (const auto& [kind, rule] : profile_->retry)
      retry[std::string(name(kind))] = {{"attempts", rule.attempts}, {"pause_ms", rule.pause_ms}};
    plan_.policy = {{"approvals",
                     {{"required", profile_->approvals_required},
                      {"requester_may_approve", !profile_->approver_is_not_requester},
                      {"by", profile_->approval_by},
                      {"valid_ms", profile_->approval_valid_ms}}},
                    {"retry", retry},
                    {"parallel", profile_->parallel},
                    {"resources", profile_->resource_limits},
                    {"gates_before", profile_->gates_before},
                    {"validation", profile_->validation_depth},
                    {"connectivity", profile_->connectivity},
                    {"proof_age_ms", profile_->proof_age_ms}};
  }

  // The operator's word stands, wanted or not: judge() tells what it was not needed for. What the
  // lane accepts once and for all counts where there is something to accept.
  void accept() {
    for (const auto& [word, reason] : question_.accepted) {
      auto key = acceptable(word, *profile_);
      if (!key)
        problems_.push_back(key.error());
      else if (reason.find_first_not_of(' ') == std::string::npos)
        problem({"--accept", 0, 0}, "policy.accept", "no reason is given for " + *key);
      else
        plan_.accepted[*key] = {reason, "operator"};
    }
    if (lane_.accepted.empty()) return;
    for (const auto& [word, reason] : lane_.accepted)
      if (auto key = acceptable(word, *profile_); !key) {
        key.error().place = Place{lane_.file.string(), 0, 0};
        problems_.push_back(key.error());
      }
    for (const auto& finding : findings({plan_, *profile_, &lane_, &blueprint_}))
      for (const auto& word : {finding.key, finding.id})
        if (const auto said = lane_.accepted.find(word);
            said != lane_.accepted.end() && finding.severity == contract::Severity::should)
          plan_.accepted.try_emplace(finding.key, Accepted{said->second, "lane " + lane_.name});
  }

  std::string pinned(Result<std::string> digest) {
    if (digest) return *digest;
    problems_.push_back(digest.error());
    return {};
  }

  void add_step(const contract::Step& written) {
    const auto* module = catalog_.module(written.module, written.place, problems_);
    const auto* pack = catalog_.pack(profile_->bind.at(written.module), written.place, problems_);
    if (!module || !pack) return;
    Step step;
    step.id = written.id;
    step.module = written.module;
    step.instance = written.instance;
    step.phase = written.phase;
    step.needs = needs_of(written);
    step.driver = pack->driver;
    step.pack = pack->name;
    step.pack_version = pack->version;
    step.pack_digest = pack_digest(*pack);
    step.idempotent = pack->idempotent;
    step.metadata = pack->metadata;
    step.irreversible = module->effects.irreversible;
    step.fenced = module->effects.fenced;
    step.resources = written.resources;
    for (const auto& name : module->effects.proofs)
      if (module->inputs.count(name)) step.proofs.push_back(name);
    step.timeout_ms = profile_->step_timeout_ms;
    for (const auto& limit : {pack->timeout_ms, written.timeout_ms})
      if (limit) step.timeout_ms = std::min(step.timeout_ms, *limit);
    if (auto [at, is_new] = plan_.modules.try_emplace(written.module); is_new)
      at->second = pinned(digest_of_tree(module->folder));
    for (const auto& [tool, version] : pack->tools) plan_.tools[tool] = version;
    for (const auto& [name, field] : module->outputs) step.outputs[name] = field.type.text();
    for (const auto& [name, field] : module->inputs) add_input(step, written, field);
    if (pack->driver == contract::Driver::plugin) {
      step.plugin =
          pack->of_lanes_authority() ? authority(step, *module, written.place) : pack->plugin;
      if (!step.plugin.empty()) bind_plugin(step, *pack, written.place);
    }
    plan_.steps.push_back(std::move(step));
  }

  std::string pack_digest(const contract::Pack& pack) {
    auto [at, is_new] = pack_digests_.try_emplace(pack.name);
    if (is_new) at->second = pinned(digest_of_tree(pack.folder));
    return at->second;
  }

  // The layers, lowest first; the last that says something wins and is named.
  void add_input(Step& step, const contract::Step& written, const contract::Field& field) {
    Input input;
    input.type = field.type.text();
    bool given = false;
    bool as_written =
        false;  // "15m" by a person's hand; what a module declares or a step published is in ms
    const auto take = [&](const Json& value, std::string from) {
      input = {value, true, std::move(from), {}, input.type};
      given = as_written = true;
    };
    const auto layer = [&](const auto& defaults, const std::string& from) {
      const auto of_module = defaults.find(written.module);
      if (of_module == defaults.end()) return;
      if (const auto found = of_module->second.find(field.name); found != of_module->second.end())
        take(found->second, from);
    };
    if (field.fallback) take(*field.fallback, "module " + written.module + ", default");
    as_written = false;
    layer(profile_->defaults, "profile " + profile_->name);
    layer(lane_.defaults, "lane " + lane_.name);
    Place place = written.place;
    if (const auto bound = written.inputs.find(field.name); bound != written.inputs.end()) {
      place = bound->second.place;
      given = true;
      as_written = false;
      if (bound->second.from)
        follow(input, *bound->second.from, place, as_written);
      else
        take(bound->second.literal, "blueprint " + blueprint_.name + ", step " + written.id);
    }
    if (const auto said = question_.inputs.find(written.id + "." + field.name);
        said != question_.inputs.end()) {
      place = {"--input", 0, 0};
      take(said->second, "operator");
      as_written = question_.inputs_are == Question::Inputs::as_written;
    }
    if (!given) {
      if (field.required)
        problem(place, "plan.input.missing",
                "step " + written.id + " needs the input \"" + field.name + "\" (" +
                    field.type.text() + "), and no layer gives it");
      return;
    }
    if (input.known) {
      const auto checked = [&]() -> Result<Json> {
        if (as_written) return contract::read_value(field, input.value);
        auto good = contract::check_value(field, input.value);
        if (!good) return pass(good);
        return input.value;
      }();
      if (checked) {
        input.value = *checked;
      } else {
        Error error = checked.error();
        error.place = place;
        error.context.push_back("input " + field.name + " of step " + written.id + ", from " +
                                input.from);
        problems_.push_back(std::move(error));
      }
    }
    step.inputs[field.name] = std::move(input);
  }

  void follow(Input& input, const contract::Reference& reference, const Place& place,
              bool& as_written) {
    input.value = nullptr;
    if (reference.of == contract::Reference::Of::step) {
      input.known = false;
      input.from = "step " + reference.step;
      input.reference = reference.step + "." + reference.name;
    } else if (reference.of == contract::Reference::Of::lane) {
      const auto fact = lane_.facts.find(reference.name);
      if (fact == lane_.facts.end()) {
        std::vector<std::string> names;
        for (const auto& [name, value] : lane_.facts) names.push_back(name);
        problem(place, "plan.fact.missing",
                "lane " + lane_.name + " has no fact \"" + reference.name + "\"." +
                    did_you_mean(reference.name, names));
        return;
      }
      input.value = fact->second;
      input.known = true;
      input.from = "lane " + lane_.name + ", fact " + reference.name;
      as_written = true;
    } else {
      const std::string key = reference.module + "#" + reference.instance;
      auto state = world_.state(key);
      if (!state) {
        problems_.push_back(state.error());
        return;
      }
      if (!state->is_object() || !state->contains(reference.name)) {
        problem(place, "plan.state.missing",
                "the lane has no published output \"" + reference.name + "\" of " + key +
                    " in epoch " + std::to_string(lane_.epoch));
        return;
      }
      input.value = (*state)[reference.name];
      input.known = true;
      input.from = "state " + key;
    }
  }

  // Home, unless an earlier run of this epoch moved it (E6).
  void find_authority() {
    auto state = world_.state(authority_slot);
    if (!state) {
      problems_.push_back(state.error());
      return;
    }
    plan_.secrets_from = get_string(*state, "authority", contract::home_authority);
    if (plan_.secrets_from != contract::home_authority && !lane_.authority(plan_.secrets_from))
      problem({lane_.file.string(), 0, 0}, "plan.authority",
              "the secrets of lane " + lane_.name + " were moved to \"" +
                  printable(plan_.secrets_from, 40) + "\", which the lane does not name any more");
  }

  // The plugin of the authority that the step moves the lane's secrets to.
  std::string authority(Step& step, const contract::Module& module, const Place& place) {
    const auto input = step.inputs.find(module.effects.authority);
    if (input == step.inputs.end() || !input->second.known || !input->second.value.is_string()) {
      problem(place, "plan.authority",
              "step " + step.id +
                  " moves the lane's secret authority, and "
                  "where to is not known when it is planned");
      return {};
    }
    step.authority = input->second.value.get<std::string>();
    const auto* found = lane_.authority(step.authority);
    if (!found)
      problem(place, "plan.authority",
              "step " + step.id + " moves the secret authority of lane " + lane_.name + " to \"" +
                  printable(step.authority, 40) + "\", which the lane does not name");
    return found ? found->plugin : std::string();
  }

  void bind_plugin(Step& step, const contract::Pack& pack, const Place& place) {
    step.interface = pack.interface;
    step.verb = pack.verb;
    step.mode = pack.mode;
    step.platforms = pack.platforms;
    auto digest = world_.plugin_digest(step.plugin);
    if (!digest) {
      problems_.push_back(digest.error());
      problems_.back().place = place;
      return;
    }
    step.plugin_digest = *digest;
    Json known = Json::object();
    for (const auto& [name, input] : step.inputs)
      if (input.known) known[name] = input.value;
    auto forecast = world_.forecast(pack, known);
    if (forecast)
      step.forecast = *forecast;
    else
      problems_.push_back(forecast.error());
  }

  const Question& question_;
  const contract::Lane& lane_;
  const contract::Blueprint& blueprint_;
  contract::Catalog& catalog_;
  const World& world_;
  Diagnostics& problems_;
  const contract::Profile* profile_ = nullptr;
  Plan plan_;
  std::unordered_map<std::string, std::string> pack_digests_;
};

}  // namespace

std::optional<Plan> resolve(const Question& question, contract::Catalog& catalog,
                            const World& world, Diagnostics& problems) {
  return Resolver(question, catalog, world, problems).run();
}

}  // namespace hyops::plan
