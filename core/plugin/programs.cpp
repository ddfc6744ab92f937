// A request names its program by argv[0]; nothing that the manifest does not list is ever run.
#include "plugin/programs.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace hyops::plugin {
namespace {

bool is_argument(const Json& argument) {
  return argument.is_string() &&
         argument.get_ref<const std::string&>().find('\0') == std::string::npos;
}

bool lists(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Programs::Programs(const Manifest& manifest)
    : id_(manifest.id),
      executables_(manifest.executables),
      shipped_(manifest.shipped),
      files_(manifest.files),
      folder_(manifest.folder) {}

Result<Program> Programs::named_by(const Json& request, const std::string& service) const {
  const Json argv = request.value("argv", Json::array());
  if (!argv.is_array() || argv.empty() || !std::all_of(argv.begin(), argv.end(), is_argument))
    return fail("plugin.service.request", service + " needs argv, a list of texts");
  const std::string name = argv[0].get<std::string>();
  if (lists(shipped_, name)) {
    const auto signed_file = files_.find(name);
    if (signed_file == files_.end())
      return fail("plugin.file.missing", id_ + " was signed without the digest of its " + name);
    return Program{name, folder_ / name, signed_file->second};
  }
  if (!lists(executables_, name) || name.find('/') != std::string::npos)
    return fail("plugin.exec.denied",
                "the plugin did not declare that it runs " + printable(name, 80));
  return Program{name, {}, {}};
}

std::vector<std::string> filled_in(const Json& argv, const Json& values) {
  std::vector<std::string> out;
  for (const auto& each : argv) {
    std::string argument = each.get<std::string>();
    for (const auto& [name, value] : values.items()) {
      if (!value.is_string()) continue;
      const std::string mark = "{" + name + "}";
      for (size_t at = argument.find(mark); at != std::string::npos; at = argument.find(mark, at)) {
        argument.replace(at, mark.size(), value.get<std::string>());
        at += value.get_ref<const std::string&>().size();
      }
    }
    out.push_back(std::move(argument));
  }
  return out;
}

Status write_files(const Json& request, const std::filesystem::path& folder, Json& values,
                   const std::string& service) {
  const Json files = request.value("files", Json::object());
  if (!files.is_object())
    return fail("plugin.service.request", service + ": files map names to texts");
  for (const auto& [name, text] : files.items()) {
    if (!is_name(name) || !text.is_string())
      return fail("plugin.service.request", service + ": files map names to texts");
    if (auto written = write_file(folder / name, text.get<std::string>(), 0600, Durable::no);
        !written)
      return written;
    values[name] = (folder / name).string();
  }
  return {};
}

}  // namespace hyops::plugin
