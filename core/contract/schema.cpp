// The typed-input language as JSON Schema (draft 2020-12), for editors and for the authors of
// plugins.
#include "contract/shapes.hpp"

namespace hyops::contract {

namespace {

const Json duration = {{"type", "string"}, {"pattern", "^[0-9]+(ms|s|m|h|d)$"}};

Json shape_schema(Kind kind) {
  Json properties = Json::object(), required = Json::array();
  for (const auto& member : shape(kind)) {
    properties[std::string(member.name)] = spelling_schema(member.spelling);
    if (member.required) required.push_back(std::string(member.name));
  }
  return {{"type", "object"},
          {"properties", properties},
          {"required", required},
          {"additionalProperties", false}};
}

// Defaults are kept in ms and shown as they are written.
Json as_written(const Type& type, const Json& value) {
  if (type.kind == Kind::duration && value.is_number_integer())
    return std::to_string(value.get<int64_t>()) + "ms";
  Json out = value;
  if (type.of && value.is_structured())
    for (auto& item : out) item = as_written(*type.of, item);
  return out;
}

const char* size_key(Kind kind, bool least) {
  switch (kind) {
    case Kind::integer:
      return least ? "minimum" : "maximum";
    case Kind::list:
      return least ? "minItems" : "maxItems";
    case Kind::map:
      return least ? "minProperties" : "maxProperties";
    case Kind::duration:
      return nullptr;  // a string in documents: its length says nothing
    default:
      return least ? "minLength" : "maxLength";
  }
}

// Ours match whole values; JSON Schema's match anywhere unless they say otherwise.
std::string anchored(const std::string& pattern) {
  const bool already =
      pattern.starts_with('^') && pattern.ends_with('$') && pattern.find('|') == std::string::npos;
  return already ? pattern : "^(?:" + pattern + ")$";
}

Json field_schema(const Field& field) {
  Json schema = kind_schema(field.type);
  if (!field.one_of.empty()) schema["enum"] = field.one_of;
  if (!field.pattern.empty()) schema["pattern"] = anchored(field.pattern);
  if (const char* key = size_key(field.type.kind, true); key && field.min) schema[key] = *field.min;
  if (const char* key = size_key(field.type.kind, false); key && field.max)
    schema[key] = *field.max;
  if (field.fallback) schema["default"] = as_written(field.type, *field.fallback);
  std::string doc = field.doc;
  if (!field.unit.empty()) doc += (doc.empty() ? "" : " ") + ("Unit: " + field.unit + ".");
  if (!doc.empty()) schema["description"] = doc;
  return schema;
}

}  // namespace

Json spelling_schema(Spelling spelling) {
  switch (spelling) {
    case Spelling::short_name:
      return {{"type", "string"}, {"pattern", "^[a-z0-9][a-z0-9._-]{0,63}$"}};
    case Spelling::address:
      return kind_schema(Type{Kind::address, nullptr});
    case Spelling::user:
      return {{"type", "string"}, {"pattern", "^[a-z0-9_][a-z0-9_-]{0,31}$"}};
    case Spelling::port:
      return {{"type", "integer"}, {"minimum", 1}, {"maximum", 65535}};
    case Spelling::host_key:
      return {{"type", "string"},
              {"pattern", "^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp[0-9]+) [A-Za-z0-9+/]+=*$"}};
    case Spelling::instant:
      return {{"type", "integer"}, {"minimum", 0}};
    case Spelling::free_text:
      break;
  }
  return {{"type", "string"}, {"maxLength", 4096}};
}

Json kind_schema(const Type& type) {
  switch (type.kind) {
    case Kind::integer:
      return {{"type", "integer"}};
    case Kind::boolean:
      return {{"type", "boolean"}};
    case Kind::duration:
      return duration;
    case Kind::address:
      return {{"type", "string"},
              {"anyOf", Json::array({{{"format", "ipv4"}}, {{"format", "ipv6"}}})}};
    case Kind::cidr:
      return {{"type", "string"}, {"pattern", "^[0-9A-Fa-f:.]+/[0-9]{1,3}$"}};
    case Kind::dns_name:
      return {{"type", "string"},
              {"pattern", "^[A-Za-z0-9_-]{1,63}(\\.[A-Za-z0-9_-]{1,63})*\\.?$"}};
    case Kind::secret:
      return {{"type", "string"},
              {"pattern", "^[a-z0-9][a-z0-9._-]{0,63}(/[a-z0-9][a-z0-9._-]{0,63})?$"}};
    case Kind::digest:
      return {{"type", "string"}, {"pattern", "^sha256:[0-9a-f]{64}$"}};
    case Kind::host:
    case Kind::endpoint:
      return shape_schema(type.kind);
    case Kind::list:
      return {{"type", "array"}, {"items", kind_schema(*type.of)}};
    case Kind::map:
      return {{"type", "object"}, {"additionalProperties", kind_schema(*type.of)}};
    case Kind::string:
      break;
  }
  return {{"type", "string"}};
}

Json json_schema(const Fields& fields) {
  Json properties = Json::object(), required = Json::array();
  for (const auto& [name, field] : fields) {
    properties[name] = field_schema(field);
    if (field.required) required.push_back(name);
  }
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"type", "object"},
                 {"properties", properties},
                 {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = required;
  return schema;
}

}  // namespace hyops::contract
