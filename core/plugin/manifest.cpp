// Reading plugin.toml: every line of it is checked before a byte of the plugin runs.
#include "plugin/manifest.hpp"

#include <algorithm>
#include <functional>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "contract/load.hpp"
#include "hyops/plugin.h"

namespace hyops::plugin {
namespace {

namespace fs = std::filesystem;

// Takes members out of the document one by one, so that what is left over is what nobody knows.
class Reader {
 public:
  Reader(Json document, std::string file)
      : document_(std::move(document)), file_(std::move(file)) {}

  Json take(const char* key, Json::value_t type, bool required) {
    const auto found = document_.find(key);
    if (found == document_.end()) {
      if (required) wrong(std::string("lacks \"") + key + "\"");
      return Json(type);
    }
    Json value = *found;
    document_.erase(found);
    if (value.type() == type) return value;
    wrong(std::string("\"") + key + "\" should be of type " + Json(type).type_name());
    return Json(type);
  }
  std::string text(const char* key, bool required) {
    return take(key, Json::value_t::string, required).get<std::string>();
  }
  std::vector<std::string> list(const char* key, bool required) {
    std::vector<std::string> out;
    for (const auto& item : take(key, Json::value_t::array, required))
      if (item.is_string())
        out.push_back(item.get<std::string>());
      else
        wrong(std::string("\"") + key + "\" should hold texts");
    return out;
  }
  void wrong(const std::string& what) {
    if (!problem_) problem_ = make_error("plugin.manifest.invalid", file_ + " " + what);
  }
  void done(const char* where) {
    for (const auto& [key, value] : document_.items())
      wrong(std::string("has the unknown key \"") + printable(key, 60) + "\"" + where);
  }
  const std::optional<Error>& problem() const { return problem_; }

 private:
  Json document_;
  std::string file_;
  std::optional<Error> problem_;
};

// Dotted, with a vendor in front, and nothing a path or a terminal could stumble over.
bool is_plugin_id(const std::string& id) {
  return is_name(id) && id.find('.') != std::string::npos;
}

bool is_sha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Status check_ids(const Manifest& manifest, const std::string& file) {
  if (manifest.abi_major != HYOPS_ABI_MAJOR)
    return fail("plugin.manifest.abi", file + " is for ABI " + std::to_string(manifest.abi_major) +
                                           "." + std::to_string(manifest.abi_minor) +
                                           "; this hyops has " + std::to_string(HYOPS_ABI_MAJOR) +
                                           "." + std::to_string(HYOPS_ABI_MINOR));
  if (manifest.implements.empty())
    return fail("plugin.manifest.interface", file + " implements nothing");
  for (const auto& id : manifest.implements)
    if (verbs_of(id).empty())
      return fail("plugin.manifest.interface", file + " implements " + printable(id, 80) +
                                                   ", which this hyops does not know." +
                                                   did_you_mean(id, all_interfaces()));
  for (const auto& id : manifest.services)
    if (std::find(all_services().begin(), all_services().end(), id) == all_services().end())
      return fail("plugin.manifest.service", file + " requires " + printable(id, 80) +
                                                 ", which this hyops does not offer." +
                                                 did_you_mean(id, all_services()));
  return {};
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view text, const fs::path& folder) {
  const std::string file = (folder / "plugin.toml").string();
  contract::Diagnostics problems;
  auto document = contract::parse_toml(text, file, problems);
  if (!document || !problems.empty()) {
    Error error =
        make_error("plugin.manifest.invalid",
                   problems.empty() ? file + " cannot be read" : problems.front().message);
    if (!problems.empty()) error.place = problems.front().place;
    return Failure(std::move(error));
  }
  Reader reader(std::move(*document), file);
  Manifest manifest;
  manifest.folder = folder;
  manifest.id = reader.text("plugin", true);
  manifest.version = reader.text("version", true);
  manifest.vendor = reader.text("vendor", true);
  manifest.title = reader.text("title", true);
  manifest.status = reader.text("status", true);
  manifest.implements = reader.list("implements", true);
  manifest.services = reader.list("requires", false);
  const auto abi = split(reader.text("abi", true), '.');
  if (abi.size() == 2 && abi[0].size() < 5 && abi[1].size() < 5 &&
      (abi[0] + abi[1]).find_first_not_of("0123456789") == std::string::npos && !abi[0].empty() &&
      !abi[1].empty()) {
    manifest.abi_major = std::stoi(abi[0]);
    manifest.abi_minor = std::stoi(abi[1]);
  } else {
    reader.wrong("should say abi = \"1.0\"");
  }
  Reader http(reader.take("http", Json::value_t::object, false), file);
  manifest.http_hosts = http.list("hosts", false);
  http.done(" in [http]");
  Reader exec(reader.take("exec", Json::value_t::object, false), file);
  manifest.executables = exec.list("executables", false);
  exec.done(" in [exec]");
  const Json files = reader.take("files", Json::value_t::object, false);
  const Json inputs = reader.take("inputs", Json::value_t::object, false);
  reader.done("");
  for (const auto& [name, digest] : files.items()) {
    if (!is_name(name) || !digest.is_string() || !is_sha256(digest.get<std::string>())) {
      reader.wrong("lists the file \"" + printable(name, 60) +
                   "\" without its 64 hex digits of SHA-256");
      continue;
    }
    manifest.files[name] = digest.get<std::string>();
  }
  if (!is_plugin_id(manifest.id))
    reader.wrong("has no dotted id in \"plugin\" (\"com.acme.clouds\")");
  if (manifest.status != "stable" && manifest.status != "preview" && manifest.status != "drill")
    reader.wrong("has another status than stable, preview or drill");
  for (const auto* found : {&reader.problem(), &http.problem(), &exec.problem()})
    if (*found) return Failure(**found);
  auto fields = contract::load_fields(inputs, file, problems);
  if (!fields || !problems.empty()) {
    Error error =
        make_error("plugin.manifest.invalid",
                   problems.empty() ? file + " has wrong inputs" : problems.front().message);
    if (!problems.empty()) error.place = problems.front().place;
    return Failure(std::move(error));
  }
  manifest.inputs = std::move(*fields);
  if (auto known = check_ids(manifest, file); !known) return pass(known);
  return manifest;
}

Result<Manifest> load_manifest(const fs::path& folder) {
  auto text = read_file(folder / "plugin.toml", 1u << 20);
  if (!text) return fail("plugin.manifest.missing", text.error().message);
  return parse_manifest(*text, folder);
}

Json describe(const Manifest& manifest) {
  Json config = Json::object();
  for (const auto& [name, field] : manifest.inputs)
    config[name] = {{"type", field.type.text()},
                    {"required", field.required},
                    {"doc", field.doc},
                    {"default", field.fallback ? *field.fallback : Json()}};
  Json interfaces = Json::object();
  for (const auto& id : manifest.implements) interfaces[id] = verbs_of(id);
  return {{"plugin", manifest.id},
          {"version", manifest.version},
          {"title", manifest.title},
          {"vendor", manifest.vendor},
          {"status", manifest.status},
          {"abi", std::to_string(manifest.abi_major) + "." + std::to_string(manifest.abi_minor)},
          {"interfaces", interfaces},
          {"services", manifest.services},
          {"http_hosts", manifest.http_hosts},
          {"executables", manifest.executables},
          {"config", config},
          {"config_schema", contract::json_schema(manifest.inputs)},
          {"files", manifest.files},
          {"folder", manifest.folder.string()}};
}

}  // namespace hyops::plugin
