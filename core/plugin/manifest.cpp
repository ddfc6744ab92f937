// Reading plugin.toml: every line of it is checked before a byte of the plugin runs.
#include "plugin/manifest.hpp"

#include <algorithm>
#include <charconv>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "contract/load.hpp"
#include "hyops/plugin.h"
#include "plugin/toml_table.hpp"

namespace hyops::plugin {
namespace {

namespace fs = std::filesystem;
constexpr const char* code = "plugin.manifest.invalid";

// Dotted, with a vendor in front, and nothing a path or a terminal could stumble over.
bool is_plugin_id(const std::string& id) {
  return is_name(id) && id.find('.') != std::string::npos;
}

bool is_sha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool is_direct(const std::string& way) {
  if (!way.starts_with("tcp:") && !way.starts_with("udp:")) return false;
  int port = 0;
  const auto [rest, problem] = std::from_chars(way.data() + 4, way.data() + way.size(), port);
  return problem == std::errc() && rest == way.data() + way.size() && way[4] != '0' && port > 0 &&
         port < 65536;
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
  auto document = read_toml(text, file, code);
  if (!document) return pass(document);
  TomlTable reader(std::move(*document), file, code);
  Manifest manifest;
  manifest.digest = digest_of(text);
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
  Status known;
  using Lists = std::vector<std::pair<const char*, std::vector<std::string>*>>;
  const auto lists_in = [&](const char* name, const Lists& lists) {
    TomlTable table(reader.take(name, Json::value_t::object, false), file, code);
    for (const auto& [key, list] : lists) *list = table.list(key, false);
    if (auto whole = table.done(std::string(" in [") + name + "]"); known && !whole) known = whole;
  };
  lists_in("http", {{"hosts", &manifest.http_hosts}});
  lists_in("exec", {{"executables", &manifest.executables}, {"shipped", &manifest.shipped}});
  lists_in("paths", {{"read", &manifest.read_paths}});
  lists_in("network", {{"direct", &manifest.direct}});
  const Json files = reader.take("files", Json::value_t::object, false);
  const Json inputs = reader.take("inputs", Json::value_t::object, false);
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
  for (const auto& name : manifest.executables)
    if (name.empty() || name.find('/') != std::string::npos)
      reader.wrong("runs \"" + printable(name, 80) + "\", which is no name of an executable");
  for (const auto& name : manifest.shipped)
    if (!is_name(name))
      reader.wrong("ships \"" + printable(name, 80) + "\", which is no file that could be run");
  for (const auto& path : manifest.read_paths)
    if (!path.starts_with('/') && !path.starts_with("{config."))
      reader.wrong("reads \"" + printable(path, 80) + "\", which is no absolute path");
  for (const auto& way : manifest.direct)
    if (!is_direct(way))
      reader.wrong("connects to \"" + printable(way, 40) + "\", which is not like tcp:443");
  if (auto whole = reader.done(); !whole) return pass(whole);
  if (!known) return pass(known);
  contract::Diagnostics problems;
  auto fields = contract::load_fields(inputs, file, problems);
  if (!fields || !problems.empty()) {
    Error error =
        make_error("plugin.manifest.invalid",
                   problems.empty() ? file + " has wrong inputs" : problems.front().message);
    if (!problems.empty()) error.place = problems.front().place;
    return Failure(std::move(error));
  }
  manifest.inputs = std::move(*fields);
  if (auto ours = check_ids(manifest, file); !ours) return pass(ours);
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
          {"shipped", manifest.shipped},
          {"read_paths", manifest.read_paths},
          {"direct", manifest.direct},
          {"config", config},
          {"config_schema", contract::json_schema(manifest.inputs)},
          {"files", manifest.files},
          {"digest", manifest.digest},
          {"folder", manifest.folder.string()}};
}

}  // namespace hyops::plugin
