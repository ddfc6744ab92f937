// Arguments are a vector, the environment is empty but for a path, and files live as long as the
// child.
#include "plugin/exec_service.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "base/text.hpp"
#include "process/spawn.hpp"

namespace hyops::plugin {
namespace {

// "{x}" anywhere in the argument becomes the value; a name nobody gave is left, and the tool will
// say so.
std::string filled_in(std::string argument, const Json& values) {
  for (const auto& [name, value] : values.items()) {
    if (!value.is_string()) continue;
    const std::string mark = "{" + name + "}";
    for (size_t at = argument.find(mark); at != std::string::npos; at = argument.find(mark, at)) {
      argument.replace(at, mark.size(), value.get<std::string>());
      at += value.get<std::string>().size();
    }
  }
  return argument;
}

// What a tool prints may be anything; documents are UTF-8.
std::string as_text(const std::string& output) {
  const std::string quoted = Json(output).dump(-1, ' ', false, Json::error_handler_t::replace);
  auto text = parse_json(quoted, "output");
  return text && text->is_string() ? text->get<std::string>() : std::string();
}

}  // namespace

Result<Json> run_declared(const Json& request, const std::vector<std::string>& executables,
                          const Json& given_values, int64_t left_ms,
                          const std::function<bool()>& cancelled) {
  const Json argv = request.value("argv", Json::array());
  if (!argv.is_array() || argv.empty() || !std::all_of(argv.begin(), argv.end(), [](const Json& a) {
        return a.is_string() && a.get_ref<const std::string&>().find('\0') == std::string::npos;
      }))
    return fail("plugin.service.request", "hyops.exec/1 needs argv, a list of texts");
  const std::string tool = argv[0].get<std::string>();
  if (std::find(executables.begin(), executables.end(), tool) == executables.end() ||
      tool.find('/') != std::string::npos)
    return fail("plugin.exec.denied",
                "the plugin did not declare that it runs " + printable(tool, 80));

  auto scratch = TempDir::create(std::filesystem::temp_directory_path(), "hyops-exec");
  if (!scratch) return pass(scratch);
  Json values = given_values;
  const Json files = request.value("files", Json::object());
  for (const auto& [name, text] : files.items()) {
    if (!is_name(name) || !text.is_string())
      return fail("plugin.service.request", "hyops.exec/1: files map names to texts");
    if (auto written = write_file(scratch->path() / name, text.get<std::string>(), 0600); !written)
      return pass(written);
    values[name] = (scratch->path() / name).string();
  }
  process::SpawnRequest spawn;
  for (const auto& argument : argv)
    spawn.argv.push_back(filled_in(argument.get<std::string>(), values));
  spawn.environment = {
      {"PATH", process::default_path}, {"LANG", "C.UTF-8"}, {"HOME", scratch->path().string()}};
  spawn.directory = scratch->path();
  const int64_t wanted = std::clamp<int64_t>(get_int(request, "timeout_ms", 30'000), 1, 600'000);
  auto done = process::run(spawn, std::min(wanted, left_ms), {}, cancelled);
  if (!done) return pass(done);
  return Json{{"code", done->exit.code},
              {"signal", done->exit.signal},
              {"out", as_text(done->out)},
              {"err", as_text(done->err)}};
}

}  // namespace hyops::plugin
