// A lane's configuration of a plugin against the schema in its manifest.
#include <functional>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "contract/types.hpp"
#include "plugin/manifest.hpp"

namespace hyops::plugin {
namespace {

using contract::Kind;
using contract::Type;

// "15m" becomes 900000, wherever the type says duration; anything else stays and is judged by its
// type.
Json in_ms(const Type& type, const Json& value) {
  if (type.kind == Kind::duration && value.is_string()) {
    const auto ms = parse_duration(value.get<std::string>());
    return ms ? Json(*ms) : value;
  }
  if (type.of && value.is_structured()) {
    Json out = value;
    for (auto& item : out) item = in_ms(*type.of, item);
    return out;
  }
  return value;
}

void collect(const Type& type, const Json& value, std::vector<std::string>& names) {
  if (type.kind == Kind::secret && value.is_string()) names.push_back(value.get<std::string>());
  if (type.of && value.is_structured())
    for (const auto& item : value) collect(*type.of, item, names);
}

}  // namespace

Result<Json> check_config(const Manifest& manifest, const Json& given) {
  if (!given.is_object() && !given.is_null())
    return fail("plugin.config.value", "the configuration of " + manifest.id + " is not a table");
  std::vector<std::string> known;
  for (const auto& [name, field] : manifest.inputs) known.push_back(name);
  Json checked = Json::object();
  for (const auto& [name, value] : given.items()) {
    const auto field = manifest.inputs.find(name);
    if (field == manifest.inputs.end())
      return fail("plugin.config.unknown", manifest.id + " has no setting \"" +
                                               printable(name, 60) + "\"." +
                                               did_you_mean(name, known));
    checked[name] = in_ms(field->second.type, value);
    if (auto good = contract::check_value(field->second, checked[name]); !good)
      return fail("plugin.config.value", manifest.id + ": " + good.error().message);
  }
  for (const auto& [name, field] : manifest.inputs) {
    if (checked.contains(name)) continue;
    if (field.required)
      return fail("plugin.config.missing",
                  manifest.id + " needs the setting \"" + name + "\": " + field.doc);
    if (field.fallback) checked[name] = in_ms(field.type, *field.fallback);
  }
  return checked;
}

std::vector<std::string> secrets_of(const Manifest& manifest, const Json& config) {
  std::vector<std::string> names;
  for (const auto& [name, field] : manifest.inputs)
    if (config.contains(name)) collect(field.type, config[name], names);
  return names;
}

std::vector<std::string> configured(const std::vector<std::string>& declared, const Json& config) {
  std::vector<std::string> values;
  for (const auto& text : declared) {
    if (!text.starts_with("{config.") || !text.ends_with("}")) {
      values.push_back(text);
      continue;
    }
    const auto found = config.find(text.substr(8, text.size() - 9));
    if (found == config.end()) continue;
    if (found->is_string()) values.push_back(found->get<std::string>());
    if (!found->is_structured()) continue;
    for (const auto& item : *found)
      if (item.is_string()) values.push_back(item.get<std::string>());
  }
  return values;
}

}  // namespace hyops::plugin
