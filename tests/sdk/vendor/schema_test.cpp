// Editors believe plugin.schema.json, hyops believes its parser: they have to say the same of every
// manifest.
#include <map>
#include <regex>
#include <set>

#include "plugin/manifest.hpp"
#include "plugin/toml_table.hpp"
#include "sdk/vendor/sdk.hpp"

namespace hyops::test {
namespace {

// As much of JSON Schema as the file uses; a word it does not know is a failure.
class Schema {
 public:
  explicit Schema(Json root) : root_(std::move(root)) {}
  bool accepts(const Json& document) const { return accepts(root_, document); }
  const Json& root() const { return root_; }

 private:
  static bool is(const Json& type, const Json& value) {
    if (type.is_array())
      return std::any_of(type.begin(), type.end(), [&](const Json& one) { return is(one, value); });
    const std::map<std::string, bool> kinds{{"object", value.is_object()},
                                            {"array", value.is_array()},
                                            {"string", value.is_string()},
                                            {"integer", value.is_number_integer()},
                                            {"boolean", value.is_boolean()}};
    return kinds.at(type.get<std::string>());
  }
  static bool has_pattern(const Json& pattern, const std::string& text) {
    return std::regex_search(text, std::regex(pattern.get<std::string>()));
  }

  bool accepts_members(const Json& schema, const Json& value) const {
    const Json properties = schema.value("properties", Json::object());
    const Json others = schema.value("additionalProperties", Json(true));
    for (const auto& [name, member] : value.items()) {
      if (schema.contains("propertyNames") && !accepts(schema["propertyNames"], Json(name)))
        return false;
      if (properties.contains(name) ? !accepts(properties[name], member)
          : others.is_boolean()     ? !others.get<bool>()
                                    : !accepts(others, member))
        return false;
    }
    const Json required = schema.value("required", Json::array());
    return std::all_of(required.begin(), required.end(),
                       [&](const Json& name) { return value.contains(name.get<std::string>()); });
  }

  bool accepts_items(const Json& schema, const Json& value) const {
    const std::set<Json> different(value.begin(), value.end());
    if (value.size() < schema.value("minItems", size_t{0})) return false;
    if (schema.value("uniqueItems", false) && different.size() != value.size()) return false;
    return std::all_of(value.begin(), value.end(), [&](const Json& item) {
      return !schema.contains("items") || accepts(schema["items"], item);
    });
  }

  bool accepts(const Json& schema, const Json& value) const {
    static const std::set<std::string> words{
        "$schema",  "title",      "description", "type",      "properties", "additionalProperties",
        "items",    "pattern",    "enum",        "maxLength", "required",   "propertyNames",
        "minItems", "uniqueItems"};
    for (const auto& [word, ignored] : schema.items()) EXPECT_TRUE(words.contains(word)) << word;
    if (schema.contains("type") && !is(schema["type"], value)) return false;
    if (schema.contains("enum") &&
        std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end())
      return false;
    if (value.is_object()) return accepts_members(schema, value);
    if (value.is_array()) return accepts_items(schema, value);
    if (!value.is_string()) return true;
    const auto text = value.get<std::string>();
    return (!schema.contains("pattern") || has_pattern(schema["pattern"], text)) &&
           text.size() <= schema.value("maxLength", text.size());
  }

  Json root_;
};

const Schema& schema() {
  static const Schema one(
      *parse_json(*read_file(Sdk::here().share() / "plugin.schema.json"), "the schema"));
  return one;
}

const std::map<std::string, std::string> whole{
    {"plugin", "plugin = \"org.moon.racks\"\n"},
    {"version", "version = \"1.0.0\"\n"},
    {"title", "title = \"Racks\"\n"},
    {"vendor", "vendor = \"Moon\"\n"},
    {"abi", "abi = \"1.0\"\n"},
    {"status", "status = \"stable\"\n"},
    {"implements", "implements = [\"hyops.provider/1\"]\n"},
    {"requires", "requires = [\"hyops.http/1\"]\n"},
    {"http", "http.hosts = [\"moon:80\"]\n"},
    {"exec", "exec.executables = [\"ssh\"]\nexec.shipped = [\"dial\"]\n"},
    {"paths", "paths.read = [\"/etc/moon\", \"{config.bundle}\"]\n"},
    {"network", "network.direct = [\"tcp:443\", \"udp:53\", \"tcp:65535\"]\n"},
    {"inputs", "inputs.api = { type = \"string\" }\n"},
    {"files", "files.\"plugin.so\" = \"" + std::string(64, '0') + "\"\n"}};

// The manifest with another line for one key; empty: without it.
std::string manifest(const std::string& key, const std::string& line) {
  std::string out;
  for (const auto& [name, text] : whole) out += name == key ? line : text;
  return whole.contains(key) ? out : out + line;
}

void expect_both(const std::string& text, bool good) {
  EXPECT_EQ(plugin::parse_manifest(text, "/moon").has_value(), good) << "the parser\n" << text;
  const auto document = plugin::read_toml(text, "plugin.toml", "x");
  ASSERT_TRUE(document) << text;
  EXPECT_EQ(schema().accepts(*document), good) << "the schema\n" << text;
}

TEST(Schema, and_parser_take_a_manifest_with_every_key_and_miss_the_same_ones) {
  expect_both(manifest("", ""), true);
  const auto required = schema().root()["required"].get<std::vector<std::string>>();
  for (const auto& [key, value] : schema().root()["properties"].items()) {
    ASSERT_TRUE(whole.contains(key)) << key;
    expect_both(manifest(key, ""), std::count(required.begin(), required.end(), key) == 0);
  }
  EXPECT_EQ(whole.size(), schema().root()["properties"].size());
}

TEST(Schema, and_parser_refuse_the_same_values) {
  for (const auto& [key, line] : std::vector<std::pair<std::string, std::string>>{
           {"plugin", "plugin = \"racks\"\n"},
           {"plugin", "plugin = \"../x.y\"\n"},
           {"abi", "abi = \"2.0\"\n"},
           {"abi", "abi = 1\n"},
           {"status", "status = \"beta\"\n"},
           {"implements", "implements = []\n"},
           {"implements", "implements = [\"hyops.provider/2\"]\n"},
           {"requires", "requires = [\"hyops.socket/1\"]\n"},
           {"http", "http.host = [\"moon:80\"]\n"},
           {"http", "http.hosts = \"moon:80\"\n"},
           {"exec", "exec.executables = [\"/bin/sh\"]\n"},
           {"exec", "exec.executables = [\"\"]\n"},
           {"exec", "exec.shipped = [\"../dial\"]\n"},
           {"paths", "paths.read = [\"etc/moon\"]\n"},
           {"paths", "paths.write = [\"/etc/moon\"]\n"},
           {"network", "network.direct = [\"tcp\"]\n"},
           {"network", "network.direct = [\"tcp:0\"]\n"},
           {"network", "network.direct = [\"tcp:0443\"]\n"},
           {"network", "network.direct = [\"udp:65536\"]\n"},
           {"network", "network.direct = [\"sctp:1\"]\n"},
           {"network", "network.direct = [\"tcp:443 \"]\n"},
           {"network", "network.listen = [\"tcp:443\"]\n"},
           {"inputs", "inputs.api = { type = \"text\" }\n"},
           {"inputs", "inputs.api = { doc = \"no type\" }\n"},
           {"files", "files.\"plugin.so\" = \"0\"\n"},
           {"colour", "colour = \"red\"\n"}})
    expect_both(manifest(key, line), false);
}

}  // namespace
}  // namespace hyops::test
