// module.toml: what is to exist, its typed inputs and outputs, and how far its effects reach.
#include "base/text.hpp"
#include "contract/document.hpp"

namespace hyops::contract {
namespace {

const Type& innermost(const Type& type) {
  const Type* at = &type;
  while (at->of) at = at->of.get();
  return *at;
}

bool names_host(Kind kind) {
  return kind == Kind::host || kind == Kind::endpoint || kind == Kind::address;
}
bool names_record(Kind kind) { return kind == Kind::dns_name || kind == Kind::string; }
bool names_secret(Kind kind) { return kind == Kind::secret; }
bool names_proof(Kind kind) { return kind == Kind::string; }

class EffectsReader {
 public:
  EffectsReader(Table& table, const Module& module, Source& source)
      : table_(table), module_(module), source_(source) {}

  Effects run() {
    Effects effects;
    fields("hosts", effects.hosts, names_host, true);
    fields("dns_names", effects.dns_names, names_record, false);
    fields("secrets", effects.secrets, names_secret, false);
    fields("proofs", effects.proofs, names_proof, true);
    fields("fenced", effects.fenced, names_host, false);
    authority(effects.authority);
    table_.read("files", effects.files);
    table_.read("irreversible", effects.irreversible);
    table_.done();
    return effects;
  }

 private:
  void authority(std::string& out) {
    if (!table_.read("authority", out)) return;
    const auto field = module_.inputs.find(out);
    const std::string at = "effects.authority names \"" + printable(out, 60) + "\", ";
    if (field == module_.inputs.end())
      source_.wrong(*table_.get("authority"), "contract.effects.unknown", at + "which is no input");
    else if (field->second.type.kind != Kind::string)
      source_.wrong(*table_.get("authority"), "contract.effects.type",
                    at + "which is of type " + field->second.type.text());
  }

  void fields(const char* key, std::vector<std::string>& out, bool (*right)(Kind),
              bool or_outputs) {
    if (!table_.read(key, out)) return;
    const Node& list = *table_.get(key);
    for (size_t i = 0; i < out.size(); ++i) {
      std::vector<std::string> known;
      for (const auto& [name, ignored] : module_.inputs) known.push_back(name);
      const Field* field = module_.inputs.count(out[i]) ? &module_.inputs.at(out[i]) : nullptr;
      if (or_outputs) {
        for (const auto& [name, ignored] : module_.outputs) known.push_back(name);
        if (!field && module_.outputs.count(out[i])) field = &module_.outputs.at(out[i]);
      }
      const std::string at = table_.path(key) + " names \"" + printable(out[i], 60) + "\", ";
      if (!field)
        source_.wrong(list.items[i], "contract.effects.unknown",
                      at + "which is no input" + (or_outputs ? " or output" : "") + "." +
                          did_you_mean(out[i], known));
      else if (!right(innermost(field->type).kind))
        source_.wrong(list.items[i], "contract.effects.type",
                      at + "which is of type " + field->type.text());
    }
  }

  Table& table_;
  const Module& module_;
  Source& source_;
};

}  // namespace

std::optional<Module> parse_module(std::string_view text, const std::string& file,
                                   Diagnostics& problems) {
  Source source(file, problems);
  const auto document = parse_document(text, source);
  if (!document) return std::nullopt;
  Table table(*document, "", source);
  Module module;
  if (table.read("module", module.name, Need::required))
    check_name(table.get("module"), module.name, 1, "module", source);
  if (table.read("version", module.version, Need::required))
    check_version(table.get("version"), module.version, "version", source);
  table.read("title", module.title, Need::required);
  table.read("doc", module.doc);
  if (auto inputs = table.table("inputs"))
    module.inputs = read_fields(inputs->node(), "inputs", source);
  if (auto outputs = table.table("outputs"))
    module.outputs = read_fields(outputs->node(), "outputs", source);
  if (auto effects = table.table("effects"))
    module.effects = EffectsReader(*effects, module, source).run();
  table.done();
  if (!source.clean()) return std::nullopt;
  return module;
}

std::optional<Module> load_module(const std::filesystem::path& file, Diagnostics& problems) {
  const auto text = read_text(file, problems);
  if (!text) return std::nullopt;
  auto module = parse_module(*text, file.string(), problems);
  if (module) module->folder = file.parent_path();
  return module;
}

}  // namespace hyops::contract
