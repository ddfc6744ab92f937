// What one blueprint file cannot know: whether its modules, inputs, outputs and twin exist and fit.
#include <algorithm>
#include <tuple>

#include "base/text.hpp"
#include "contract/check.hpp"
#include "contract/document.hpp"

namespace hyops::contract {

void Complaints::add(const Place& at, std::string_view code, std::string message) {
  add(at, make_error(code, std::move(message)));
}

void Complaints::add(const Place& at, Error error) {
  constexpr size_t enough = 100;
  if (problems_.size() - before_ > enough) return;
  if (problems_.size() - before_ == enough)
    error = make_error("contract.file.too_many", "there is more wrong; the rest is not listed");
  error.place = at;
  problems_.push_back(std::move(error));
}

const Module* Modules::get(const std::string& name, const Place& asked_at) {
  const auto found = known_.find(name);
  if (found != known_.end()) return found->second;
  const Module* module = catalog_.module(name, asked_at, problems_);
  known_.emplace(name, module);
  return module;
}

std::vector<std::string> names_of(const Fields& fields) {
  std::vector<std::string> names;
  for (const auto& [name, ignored] : fields) names.push_back(name);
  return names;
}

bool takes_secret(const Type& type) {
  const Type* at = &type;
  while (at->of) at = at->of.get();
  return at->kind == Kind::secret;
}

namespace {

class BlueprintCheck {
 public:
  BlueprintCheck(const Blueprint& blueprint, Catalog& catalog, Diagnostics& problems)
      : blueprint_(blueprint),
        catalog_(catalog),
        complaints_(problems),
        modules_(catalog, problems),
        dependencies_(blueprint.steps.size()) {
    at_ = blueprint.folder.empty() ? Place{blueprint.name, 0, 0}
                                   : Place{(blueprint.folder / "blueprint.toml").string(), 0, 0};
    if (!blueprint.steps.empty() && !blueprint.steps[0].place.file.empty())
      at_.file = blueprint.steps[0].place.file;
  }

  void run() {
    if (blueprint_.steps.empty())
      complaints_.add(at_, "contract.value.empty", "the blueprint has no steps");
    const size_t before = complaints_.problems().size() - (blueprint_.steps.empty() ? 1 : 0);
    index();
    for (size_t i = 0; i < blueprint_.steps.size(); ++i) check_step(i);
    check_order(blueprint_, dependencies_, complaints_);
    check_phases(blueprint_, modules_, at_, complaints_);
    check_twin();
    const bool recovery = !blueprint_.decision.empty() || blueprint_.name.starts_with("dr/");
    if (recovery && blueprint_.execution_plane != "runner-local")
      complaints_.add(at_, "contract.plane.required",
                      "execution_plane is \"" + blueprint_.execution_plane +
                          "\", but recovery and burst are runner-local");
    in_order_of_the_file(before);
  }

 private:
  // Own complaints by line, those about the blueprint as a whole after them, other files' last.
  void in_order_of_the_file(size_t from) {
    const auto rank = [&](const Error& error) {
      const bool own = error.place && error.place->file == at_.file;
      if (!own || error.place->line == 0) return std::tuple(own ? 1 : 2, 0, 0);
      return std::tuple(0, error.place->line, error.place->column);
    };
    auto& problems = complaints_.problems();
    std::stable_sort(problems.begin() + static_cast<std::ptrdiff_t>(from), problems.end(),
                     [&](const Error& a, const Error& b) { return rank(a) < rank(b); });
  }

  void index() {
    std::unordered_map<std::string, size_t> slots;
    for (size_t i = 0; i < blueprint_.steps.size(); ++i) {
      const Step& step = blueprint_.steps[i];
      const auto [first, fresh] = ids_.emplace(step.id, i);
      if (!fresh)
        complaints_.add(step.place, "contract.step.duplicate",
                        "the id \"" + step.id + "\" is taken by the step in line " +
                            std::to_string(blueprint_.steps[first->second].place.line));
      const auto [owner, free] = slots.emplace(step.module + "#" + step.instance, i);
      if (!free && fresh)
        complaints_.add(step.place, "contract.step.duplicate",
                        "step \"" + step.id + "\" and step \"" +
                            blueprint_.steps[owner->second].id + "\" share the state slot " +
                            owner->first);
    }
  }

  std::optional<size_t> find(const std::string& id, const Step& step, const Place& at,
                             const std::string& how) {
    const auto found = ids_.find(id);
    if (found != ids_.end() && &blueprint_.steps[found->second] != &step) return found->second;
    if (found != ids_.end()) {
      complaints_.add(at, "contract.step.self", "step \"" + step.id + "\" " + how + " itself");
      return std::nullopt;
    }
    if (step_names_.empty())
      for (const auto& each : blueprint_.steps) step_names_.push_back(each.id);
    // Near names cost a look at every step: for the first few misses only.
    const std::string hint = ++misses_ <= 20 ? did_you_mean(id, step_names_) : "";
    complaints_.add(at, "contract.step.unknown",
                    "step \"" + step.id + "\" " + how + " \"" + printable(id, 64) +
                        "\", which is no step." + hint);
    return std::nullopt;
  }

  void check_step(size_t i) {
    const Step& step = blueprint_.steps[i];
    auto& needs = dependencies_[i];
    for (const auto& need : step.needs)
      if (const auto other = find(need, step, step.place, "needs")) needs.push_back(*other);
    const Module* module = modules_.get(step.module, step.place);
    for (const auto& [name, binding] : step.inputs) {
      const Field* field = nullptr;
      if (module) {
        const auto found = module->inputs.find(name);
        if (found != module->inputs.end())
          field = &found->second;
        else
          complaints_.add(binding.place, "contract.input.unknown",
                          "step \"" + step.id + "\": " + module->name + " has no input \"" +
                              printable(name, 64) + "\"." +
                              did_you_mean(name, names_of(module->inputs)));
      }
      check_binding(step, name, binding, field, needs);
    }
    std::sort(needs.begin(), needs.end());
    needs.erase(std::unique(needs.begin(), needs.end()), needs.end());
    if (!module) return;
    for (const auto& [name, field] : module->inputs)
      if (field.required && !step.inputs.count(name))
        complaints_.add(step.place, "contract.input.missing",
                        "step \"" + step.id + "\" leaves the required input \"" + name + "\" of " +
                            module->name + " open");
  }

  void check_binding(const Step& step, const std::string& name, const Binding& binding,
                     const Field* field, std::vector<size_t>& needs) {
    const std::string where = "step \"" + step.id + "\", input " + name + ": ";
    if (!binding.from) {
      if (auto bare = refuse_bare_project(Json{{name, binding.literal}}, step.id); !bare)
        return complaints_.add(binding.place, bare.error());
      if (!field) return;
      if (auto value = read_value(*field, binding.literal); !value) {
        value.error().message = where + value.error().message;
        complaints_.add(binding.place, std::move(value.error()));
      }
      return;
    }
    const Reference& from = *binding.from;
    if (from.of == Reference::Of::lane) return;  // typed by the input it lands in, when planning
    std::string source = from.module;
    if (from.of == Reference::Of::step) {
      const auto other = find(from.step, step, binding.place, "refers to");
      if (!other) return;
      needs.push_back(*other);
      source = blueprint_.steps[*other].module;
    }
    const Module* module = modules_.get(source, binding.place);
    if (!module) return;
    const auto output = module->outputs.find(from.name);
    if (output == module->outputs.end()) {
      complaints_.add(binding.place, "contract.output.unknown",
                      where + module->name + " has no output \"" + from.name + "\"." +
                          did_you_mean(from.name, names_of(module->outputs)));
    } else if (field && !fits(output->second.type, field->type)) {
      complaints_.add(binding.place, "contract.reference.type",
                      where + from.text() + " is " + output->second.type.text() + ", expected " +
                          field->type.text());
    }
  }

  void check_twin() {
    if (blueprint_.twin.empty()) {
      if (blueprint_.name.starts_with("dr/"))
        complaints_.add(at_, "contract.twin.missing", blueprint_.name + " names no twin");
      return;
    }
    const Blueprint* twin = catalog_.blueprint(blueprint_.twin, at_, complaints_.problems());
    if (twin && (twin->twin != blueprint_.name || twin->name == blueprint_.name))
      complaints_.add(at_, "contract.twin.one_sided",
                      "the twin " + twin->name + " names " +
                          (twin->twin.empty() ? "no twin" : twin->twin + " as its twin") +
                          ", expected " + blueprint_.name);
    else if (twin && moves_authority(blueprint_) && !moves_authority(*twin))
      complaints_.add(at_, "contract.twin.authority",
                      blueprint_.name + " moves the lane's secret authority, and its twin " +
                          twin->name + " does not move it back (E6)");
  }

  bool moves_authority(const Blueprint& blueprint) {
    return std::any_of(blueprint.steps.begin(), blueprint.steps.end(), [&](const Step& step) {
      const Module* module = modules_.get(step.module, step.place);
      return module && !module->effects.authority.empty();
    });
  }

  const Blueprint& blueprint_;
  Catalog& catalog_;
  Complaints complaints_;
  Modules modules_;
  Dependencies dependencies_;
  Place at_;
  std::unordered_map<std::string, size_t> ids_;
  std::vector<std::string> step_names_;
  int misses_ = 0;
};

}  // namespace

void check_blueprint(const Blueprint& blueprint, Catalog& catalog, Diagnostics& problems) {
  BlueprintCheck(blueprint, catalog, problems).run();
}

}  // namespace hyops::contract
