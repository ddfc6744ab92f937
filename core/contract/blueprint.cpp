// blueprint.toml: steps in phases, what each needs, and what its inputs are bound to.
#include "base/text.hpp"
#include "contract/document.hpp"

namespace hyops::contract {
namespace {

// "step.output", "lane.fact", "state:module#instance.output".
std::optional<Reference> parse_reference(const std::string& text) {
  Reference reference;
  const size_t dot = text.rfind('.');
  if (dot == std::string::npos) return std::nullopt;
  const std::string left = text.substr(0, dot);
  reference.name = text.substr(dot + 1);
  if (!is_identifier(reference.name)) return std::nullopt;
  if (left.starts_with("state:")) {
    const size_t hash = left.find('#');
    if (hash == std::string::npos) return std::nullopt;
    reference.of = Reference::Of::state;
    reference.module = left.substr(6, hash - 6);
    reference.instance = left.substr(hash + 1);
    if (!is_contract_name(reference.module, 1) || !is_contract_name(reference.instance))
      return std::nullopt;
  } else if (left == "lane") {
    reference.of = Reference::Of::lane;
  } else {
    reference.step = left;
    if (!is_contract_name(left)) return std::nullopt;
  }
  return reference;
}

Binding read_binding(const Node& value, const std::string& path, Source& source) {
  Binding binding;
  binding.place = source.place(value);
  const Node* from = nullptr;
  for (const auto& member : value.members)
    if (member.key == "from") from = &member.value;
  if (!from) {
    refuse_bare_project(value, path, source);
    binding.literal = json_of(value);
  } else if (expect(*from, Node::Is::text, path + ".from", source)) {
    binding.from = parse_reference(from->text);
    if (!binding.from || value.members.size() != 1)
      source.wrong(*from, "contract.value.reference",
                   path + ".from is \"" + printable(from->text, 100) +
                       "\", expected \"step.output\", \"lane.fact\" or "
                       "\"state:module#instance.output\" and nothing beside it");
  }
  return binding;
}

Step read_step(const Node& node, size_t index, Source& source) {
  Step step;
  step.place = source.place(node);
  std::string path = "step[" + std::to_string(index) + "]";
  for (const auto& member : node.members)
    if (member.key == "id" && member.value.is == Node::Is::text)
      path = "step \"" + printable(member.value.text, 64) + "\"";
  Table table(node, path, source);
  if (table.read("id", step.id, Need::required)) {
    check_name(table.get("id"), step.id, 0, table.path("id"), source);
    if (step.id == "lane")
      source.wrong(*table.get("id"), "contract.name.malformed",
                   "a step cannot be called lane: lane.x means the lane's facts");
  }
  if (table.read("module", step.module, Need::required))
    check_name(table.get("module"), step.module, 1, table.path("module"), source);
  std::vector<std::string> phases;
  for (int i = 0; i <= static_cast<int>(Phase::publish); ++i)
    phases.emplace_back(name(static_cast<Phase>(i)));
  std::string word;
  if (table.choice("phase", word, phases, Need::required)) step.phase = *phase(word);
  step.instance = step.id;
  if (table.read("instance", step.instance))
    check_name(table.get("instance"), step.instance, 0, table.path("instance"), source);
  if (table.read("needs", step.needs))
    for (const auto& item : table.get("needs")->items)
      check_name(&item, item.text, 0, table.path("needs"), source);
  if (table.read("resources", step.resources))
    for (const auto& item : table.get("resources")->items)
      check_name(&item, item.text, 0, table.path("resources"), source);
  int64_t timeout = 0;
  if (table.duration("timeout", timeout)) step.timeout_ms = timeout;
  table.each("inputs", [&](const Member& input) {
    if (input.key == "project_id") {
      Node only;
      only.members.push_back(input);
      return refuse_bare_project(only, table.path("inputs"), source);
    }
    step.inputs.emplace(input.key,
                        read_binding(input.value, table.path("inputs") + "." + input.key, source));
  });
  table.done();
  return step;
}

}  // namespace

std::optional<Blueprint> parse_blueprint(std::string_view text, const std::string& file,
                                         Diagnostics& problems) {
  Source source(file, problems);
  const auto document = parse_document(text, source);
  if (!document) return std::nullopt;
  Table table(*document, "", source);
  Blueprint blueprint;
  if (table.read("blueprint", blueprint.name, Need::required))
    check_name(table.get("blueprint"), blueprint.name, 1, "blueprint", source);
  if (table.read("version", blueprint.version, Need::required))
    check_version(table.get("version"), blueprint.version, "version", source);
  table.read("title", blueprint.title, Need::required);
  table.read("doc", blueprint.doc);
  if (table.read("twin", blueprint.twin))
    check_name(table.get("twin"), blueprint.twin, 1, "twin", source);
  if (table.read("decision", blueprint.decision))
    for (const auto& item : table.get("decision")->items)
      one_of(item, item.text, {"burst", "failover", "failback"}, "decision", source);
  table.choice("execution_plane", blueprint.execution_plane, {"runner-local", "workstation"});
  int64_t ms = 0;
  if (table.duration("rto", ms)) blueprint.rto_ms = ms;
  if (table.duration("rpo", ms)) blueprint.rpo_ms = ms;
  if (const Node* steps = table.get("step", Need::required);
      steps && expect(*steps, Node::Is::list, "step", source))
    for (size_t i = 0; i < steps->items.size(); ++i)
      if (expect(steps->items[i], Node::Is::table, "step[" + std::to_string(i) + "]", source))
        blueprint.steps.push_back(read_step(steps->items[i], i, source));
  table.done();
  if (!source.clean()) return std::nullopt;
  return blueprint;
}

std::optional<Blueprint> load_blueprint(const std::filesystem::path& file, Diagnostics& problems) {
  const auto text = read_text(file, problems);
  if (!text) return std::nullopt;
  auto blueprint = parse_blueprint(*text, file.string(), problems);
  if (blueprint) blueprint->folder = file.parent_path();
  return blueprint;
}

}  // namespace hyops::contract
