// The JSON Schema of each contract file. Says no more than the loaders enforce; a test holds the
// keys of both against each other.
#include <utility>

#include "contract/load.hpp"
#include "contract/shapes.hpp"

namespace hyops::contract {
namespace {

using Keys = std::vector<std::pair<const char*, Json>>;

const Json any_text = {{"type", "string"}};
const Json any_truth = {{"type", "boolean"}};
const Json any_texts = {{"type", "array"}, {"items", any_text}};
const Json any_number = {{"type", "integer"}};

Json table(const Keys& keys, const std::vector<std::string>& required = {}) {
  Json properties = Json::object();
  for (const auto& [key, schema] : keys) properties[key] = schema;
  Json out = {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  if (!required.empty()) out["required"] = required;
  return out;
}

Json map_of(const Json& value) { return {{"type", "object"}, {"additionalProperties", value}}; }
Json choice(const std::vector<std::string>& of) { return {{"type", "string"}, {"enum", of}}; }
Json named(int slashes) {
  const std::string part = "[a-z0-9][a-z0-9-]{0,63}";
  return {{"type", "string"}, {"pattern", "^" + part + (slashes > 0 ? "/" + part : "") + "$"}};
}
Json of_kind(Kind kind) { return kind_schema(Type{kind, nullptr}); }
Json version() { return {{"type", "string"}, {"pattern", "^[0-9]+\\.[0-9]+\\.[0-9]+$"}}; }
Json key() { return {{"type", "string"}, {"pattern", "^RW[A-Za-z0-9+/]{54}$"}}; }
Json free_table() { return {{"type", "object"}}; }

std::vector<std::string> phase_names() {
  std::vector<std::string> names;
  for (int i = 0; i <= static_cast<int>(Phase::publish); ++i)
    names.emplace_back(name(static_cast<Phase>(i)));
  return names;
}

Json field() {
  return table({{"type",
                 {{"type", "string"},
                  {"pattern",
                   "^((list|map)<)*(string|int|bool|duration|address|cidr|dns_name|host|endpoint|"
                   "secret|digest)>*$"}}},
                {"required", any_truth},
                {"default", Json::object()},
                {"one_of",
                 {{"type", "array"},
                  {"items", {{"type", Json::array({"string", "integer"})}}},
                  {"minItems", 1}}},
                {"pattern", {{"type", "string"}, {"maxLength", 256}}},
                {"min", {{"type", Json::array({"integer", "string"})}}},
                {"max", {{"type", Json::array({"integer", "string"})}}},
                {"unit", any_text},
                {"doc", any_text}},
               {"type"});
}

Json module_file() {
  return table({{"module", named(1)},
                {"version", version()},
                {"title", any_text},
                {"doc", any_text},
                {"inputs", map_of(field())},
                {"outputs", map_of(field())},
                {"effects", table({{"hosts", any_texts},
                                   {"dns_names", any_texts},
                                   {"secrets", any_texts},
                                   {"proofs", any_texts},
                                   {"fenced", any_texts},
                                   {"authority", any_text},
                                   {"files", any_texts},
                                   {"irreversible", any_truth}})}},
               {"module", "version", "title"});
}

Json pack_file() {
  Json plugin =
      table({{"plugin", any_text},
             {"verb", any_text},
             {"mode", choice(access_modes())},
             {"platforms", any_texts},
             {"interface",
              choice({"hyops.provider/1", "hyops.egress/1", "hyops.access/1", "hyops.secret/1"})}},
            {"interface", "verb"});
  plugin["anyOf"] = {{{"required", {"plugin"}}},
                     {{"properties", {{"verb", {{"const", "transition"}}}}}}};
  return table({{"pack", named(1)},
                {"version", version()},
                {"module", named(1)},
                {"driver", choice({"process", "ansible", "terraform", "packer", "plugin"})},
                {"timeout", of_kind(Kind::duration)},
                {"idempotent", any_truth},
                {"network", table({{"metadata", any_truth}})},
                {"tools", map_of(any_text)},
                {"process", table({{"run", any_texts}, {"observe", any_texts}}, {"run"})},
                {"ansible", table({{"playbook", any_text}, {"observe", any_text}}, {"playbook"})},
                {"terraform", table({{"root", any_text}}, {"root"})},
                {"packer", table({{"template", any_text}}, {"template"})},
                {"plugin", plugin}},
               {"pack", "version", "module", "driver"});
}

Json profile_file() {
  const Json retry =
      table({{"attempts", any_number}, {"pause", of_kind(Kind::duration)}}, {"attempts"});
  const Json lane_kinds = {
      {"type", "array"}, {"items", choice({"drill", "live"})}, {"minItems", 1}};
  const Json phases = {{"type", "array"}, {"items", choice(phase_names())}};
  const Json limit = {{"type", Json::array({"integer", "string"})}};
  const Json rule = table({{"id", named(0)},
                           {"sentence", any_text},
                           {"module", named(1)},
                           {"input", any_text},
                           {"one_of", {{"type", "array"}, {"minItems", 1}}},
                           {"pattern", {{"type", "string"}, {"maxLength", 256}}},
                           {"min", limit},
                           {"max", limit},
                           {"within", any_texts},
                           {"severity", choice({"must", "should"})}},
                          {"id", "sentence", "input"});
  Keys classes;
  for (const char* each : {"invalid", "denied", "conflict", "exhausted", "unavailable", "expired",
                           "cancelled", "deadline", "partial", "internal"})
    classes.emplace_back(each, retry);
  return table(
      {{"profile", named(0)},
       {"title", any_text},
       {"lane_kinds", lane_kinds},
       {"bind", map_of(named(1))},
       {"defaults", map_of(free_table())},
       {"approvals", table({{"required", any_number},
                            {"distinct_from_requester", any_truth},
                            {"valid", of_kind(Kind::duration)},
                            {"by", any_texts}})},
       {"retry", table(classes)},
       {"limits", table({{"parallel", any_number},
                         {"step_timeout", of_kind(Kind::duration)},
                         {"proof_age", of_kind(Kind::duration)},
                         {"resources", map_of(any_number)}})},
       {"connectivity", table({{"expect", choice(access_modes())}})},
       {"gates", table({{"before", phases}})},
       {"validation",
        table({{"depth", choice({"basic", "standard", "full"})}, {"phases", phases}})},
       {"cost",
        table({{"currency", {{"type", "string"}, {"pattern", "^[A-Z]{3}$"}}},
               {"max_per_run", {{"type", "string"}, {"pattern", "^[0-9]{1,12}(\\.[0-9]{1,6})?$"}}},
               {"unknown", choice({"deny", "allow"})}})},
       {"naming", table({{"pattern", any_text}})},
       {"rule", {{"type", "array"}, {"items", rule}}},
       {"window", table({{"open", any_texts}, {"except", any_texts}}, {"open"})},
       {"severity", map_of(choice({"must"}))}},
      {"profile", "title", "lane_kinds"});
}

Json lane_file() {
  const Json runner = table({{"plane", named(0)},
                             {"key", key()},
                             {"seal", any_text},
                             {"endpoint", of_kind(Kind::endpoint)},
                             {"hyops", {{"type", "string"}, {"pattern", "^/[A-Za-z0-9._/-]+$"}}}},
                            {"plane", "key"});
  return table(
      {{"lane", named(0)},
       {"kind", choice({"drill", "live"})},
       {"profile", named(0)},
       {"epoch", any_number},
       {"approvers", map_of(key())},
       {"deciders", map_of(key())},
       {"runners", map_of(runner)},
       {"accepted", map_of(any_text)},
       {"secrets", table({{"authority", any_text},
                          {"config", free_table()},
                          {"standby", table({{"authority", any_text}, {"config", free_table()}},
                                            {"authority"})}},
                         {"authority"})},
       {"plugins", map_of(free_table())},
       {"facts", free_table()},
       {"defaults", map_of(free_table())},
       {"projects", table({{"host", any_text},
                           {"control", any_text},
                           {"workload", any_text},
                           {"shared_roles", any_truth}},
                          {"host", "control", "workload"})}},
      {"lane", "kind", "profile"});
}

Json blueprint_file() {
  const Json step = table({{"id", named(0)},
                           {"module", named(1)},
                           {"phase", choice(phase_names())},
                           {"needs", any_texts},
                           {"timeout", of_kind(Kind::duration)},
                           {"instance", named(0)},
                           {"resources", any_texts},
                           {"inputs", free_table()}},
                          {"id", "module", "phase"});
  return table(
      {{"blueprint", named(1)},
       {"version", version()},
       {"title", any_text},
       {"doc", any_text},
       {"twin", named(1)},
       {"decision", {{"type", "array"}, {"items", choice({"burst", "failover", "failback"})}}},
       {"execution_plane", choice({"runner-local", "workstation"})},
       {"rto", of_kind(Kind::duration)},
       {"rpo", of_kind(Kind::duration)},
       {"step", {{"type", "array"}, {"items", step}}}},
      {"blueprint", "version", "title", "step"});
}

Json lock_file() {
  const Json digests = map_of(of_kind(Kind::digest));
  return table({{"blueprints", digests},
                {"modules", digests},
                {"packs", digests},
                {"plugins", digests},
                {"profiles", digests},
                {"tools", map_of(any_text)}});
}

}  // namespace

std::optional<Json> file_schema(const std::string& kind) {
  static constexpr std::pair<std::string_view, Json (*)()> files[] = {
      {"module", module_file}, {"pack", pack_file},           {"profile", profile_file},
      {"lane", lane_file},     {"blueprint", blueprint_file}, {"lock", lock_file}};
  for (const auto& [name, make] : files) {
    if (name != kind) continue;
    Json schema = make();
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
    schema["title"] = "hyops " + kind + ".toml";
    return schema;
  }
  return std::nullopt;
}

}  // namespace hyops::contract
