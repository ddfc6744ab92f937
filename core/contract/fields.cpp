// The typed-input language itself: reads [inputs.x] tables, and refuses fields that contradict
// themselves.
#include <algorithm>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "contract/document.hpp"
#include "contract/pattern.hpp"

namespace hyops::contract {
namespace {

bool has_size(Kind kind) {
  return kind == Kind::integer || kind == Kind::duration || kind == Kind::string ||
         kind == Kind::list || kind == Kind::map;
}

class FieldReader {
 public:
  FieldReader(const Member& member, const std::string& path, Source& source)
      : member_(member), table_(member.value, path, source), source_(source) {}

  Field run() {
    field_.name = member_.key;
    field_.place = {source_.file(), member_.line, member_.column};
    const bool typed = type();
    table_.read("required", field_.required);
    table_.read("unit", field_.unit);
    table_.read("doc", field_.doc);
    const Node* one_of = table_.get("one_of");
    const Node* fallback = table_.get("default");
    const Node* pattern = table_.get("pattern");
    const Node* min = table_.get("min");
    const Node* max = table_.get("max");
    table_.done();
    if (!typed) return std::move(field_);
    bound(min, "min", field_.min);
    bound(max, "max", field_.max);
    if (field_.min && field_.max && *field_.min > *field_.max)
      contradicts(*min, "min", "is greater than max");
    if (pattern) read_pattern(*pattern);
    if (one_of) choices(*one_of);
    if (fallback) read_default(*fallback);
    return std::move(field_);
  }

 private:
  void contradicts(const Node& at, const char* key, const std::string& why) {
    source_.wrong(at, "contract.field.contradiction", table_.path(key) + " " + why);
  }

  bool type() {
    std::string text;
    if (!table_.read("type", text, Need::required)) return false;
    if (auto type = parse_type(text)) {
      field_.type = *type;
      return true;
    }
    static const std::vector<std::string> known = {"string",   "int",    "bool",     "duration",
                                                   "address",  "cidr",   "dns_name", "host",
                                                   "endpoint", "secret", "digest"};
    source_.wrong(*table_.get("type"), "contract.type.unknown",
                  table_.path("type") + " is \"" + printable(text, 60) + "\", expected " +
                      join(known) + ", list<...> or map<...>." + did_you_mean(text, known));
    return false;
  }

  void bound(const Node* node, const char* key, std::optional<int64_t>& out) {
    if (!node) return;
    if (!has_size(field_.type.kind))
      return contradicts(*node, key, "means nothing for a " + field_.type.text());
    if (field_.type.kind == Kind::duration && node->is == Node::Is::text) {
      if (const auto ms = parse_duration(node->text))
        out = *ms;
      else
        source_.wrong(*node, "contract.value.duration",
                      table_.path(key) + " is not a duration like \"15m\"");
      return;
    }
    if (expect(*node, Node::Is::integer, table_.path(key), source_)) out = node->integer;
  }

  void read_pattern(const Node& node) {
    if (!expect(node, Node::Is::text, table_.path("pattern"), source_)) return;
    if (field_.type.kind != Kind::string)
      return contradicts(node, "pattern", "means nothing for a " + field_.type.text());
    auto compiled = Pattern::compile(node.text);
    if (!compiled) return source_.wrong(node, std::move(compiled.error()));
    field_.pattern = node.text;
    field_.matcher = *compiled;
  }

  void choices(const Node& node) {
    if (!expect(node, Node::Is::list, table_.path("one_of"), source_)) return;
    if (field_.type.kind != Kind::string && field_.type.kind != Kind::integer)
      return contradicts(node, "one_of", "means nothing for a " + field_.type.text());
    if (node.items.empty())
      return contradicts(node, "one_of", "lists nothing, so no value would do");
    std::vector<Json> values;
    for (const auto& item : node.items) {
      const Json value = json_of(item);
      if (auto good = check_value(field_, value); !good) return source_.wrong(item, good.error());
      values.push_back(value);
    }
    field_.one_of = std::move(values);
  }

  void read_default(const Node& node) {
    if (node.is == Node::Is::refused) return;
    if (field_.required) contradicts(node, "default", "is never used: the field is required");
    auto value = read_value(field_, json_of(node));
    if (!value) {
      value.error().message = table_.path("default") + ": " + value.error().message;
      return source_.wrong(node, std::move(value.error()));
    }
    field_.fallback = std::move(*value);
  }

  const Member& member_;
  Table table_;
  Source& source_;
  Field field_;
};

}  // namespace

const std::string bare_project_why =
    "does not say which role the project has (C4): name host_project, control_project or "
    "workload_project; "
    "placement and networks live in host, secrets and object repositories in control";

void refuse_bare_project(const Node& node, const std::string& path, Source& source) {
  const auto below = [&](const std::string& part) {
    return path.empty() ? part : path + "." + part;
  };
  for (const auto& member : node.members) {
    if (member.key == bare_project)
      source.wrong(member.line, member.column, "contract.project.bare",
                   below(member.key) + " " + bare_project_why);
    refuse_bare_project(member.value, below(member.key), source);
  }
  for (size_t i = 0; i < node.items.size(); ++i)
    refuse_bare_project(node.items[i], path + "[" + std::to_string(i) + "]", source);
}

Status refuse_bare_project(const Json& value, const std::string& path) {
  if (value.is_object())
    for (const auto& [key, item] : value.items()) {
      if (key == bare_project)
        return fail("contract.project.bare", path + "." + key + " " + bare_project_why);
      if (auto good = refuse_bare_project(item, path + "." + printable(key, 60)); !good)
        return good;
    }
  if (value.is_array())
    for (const auto& item : value)
      if (auto good = refuse_bare_project(item, path); !good) return good;
  return {};
}

Fields read_fields(const Node& table, const std::string& path, Source& source) {
  Fields fields;
  for (const auto& member : table.members) {
    const std::string at = path.empty() ? member.key : path + "." + member.key;
    if (!is_identifier(member.key)) {
      source.wrong(member.line, member.column, "contract.name.malformed",
                   "\"" + printable(at, 100) +
                       "\" is no name for a field: small letters, digits and _, like db_port");
      continue;
    }
    if (member.key == bare_project)
      source.wrong(member.line, member.column, "contract.project.bare",
                   at + " " + bare_project_why);
    if (!expect(member.value, Node::Is::table, at, source)) continue;
    fields.emplace(member.key, FieldReader(member, at, source).run());
  }
  return fields;
}

std::optional<Fields> load_fields(const Json& table, const std::string& file,
                                  Diagnostics& problems) {
  Source source(file, problems);
  const Node node = node_of(table);
  if (!expect(node, Node::Is::table, "the list of fields", source)) return std::nullopt;
  Fields fields = read_fields(node, "", source);
  if (!source.clean()) return std::nullopt;
  return fields;
}

}  // namespace hyops::contract
