// Arguments are a vector, the environment is empty but for a path, and files live as long as the
// child.
#include "plugin/exec_service.hpp"

#include <algorithm>

#include "plugin/sealed.hpp"
#include "process/spawn.hpp"

namespace hyops::plugin {
namespace {

constexpr const char* exec_name = "hyops.exec/1";
constexpr int program_fd = 3;  // of a file of the plugin's own, in the child; secrets follow

// What a tool prints may be anything; documents are UTF-8.
std::string as_text(const std::string& output) {
  const std::string quoted = Json(output).dump(-1, ' ', false, Json::error_handler_t::replace);
  auto text = parse_json(quoted, "output");
  return text && text->is_string() ? text->get<std::string>() : std::string();
}

// Gives the program what it may know, and puts into `values` where it finds it.
Result<std::vector<Fd>> hand_over(const std::map<std::string, Secret>& secrets, Json& values,
                                  process::SpawnRequest& spawn) {
  std::vector<Fd> held;
  int number = program_fd;
  for (const auto& [mark, secret] : secrets) {
    auto memory = memory_file();
    if (!memory) return pass(memory);
    if (auto written = write_all(memory->get(), secret.reveal()); !written) return pass(written);
    spawn.extra.emplace_back(memory->get(), ++number);
    values[mark] = "/proc/self/fd/" + std::to_string(number);
    held.push_back(std::move(*memory));
  }
  return held;
}

}  // namespace

Result<Json> run_declared(const Json& request, const Programs& programs, const Json& given_values,
                          const std::map<std::string, Secret>& secrets, int cgroup, int64_t left_ms,
                          const std::function<bool()>& cancelled) {
  auto program = programs.named_by(request, exec_name);
  if (!program) return pass(program);
  auto scratch = TempDir::create(std::filesystem::temp_directory_path(), "hyops-exec");
  if (!scratch) return pass(scratch);
  Json values = given_values;
  if (auto written = write_files(request, scratch->path(), values, exec_name); !written)
    return pass(written);
  process::SpawnRequest spawn;
  auto told = hand_over(secrets, values, spawn);
  if (!told) return pass(told);
  spawn.argv = filled_in(request["argv"], values);
  Fd sealed;
  if (!program->file.empty()) {
    auto copy = sealed_program(program->file, program->sha256);
    if (!copy) return pass(copy);
    sealed = std::move(*copy);
    spawn.argv[0] = "/proc/self/fd/" + std::to_string(program_fd);
    spawn.extra.emplace_back(sealed.get(), program_fd);
  }
  spawn.environment = {
      {"PATH", process::default_path}, {"LANG", "C.UTF-8"}, {"HOME", scratch->path().string()}};
  spawn.directory = scratch->path();
  spawn.cgroup = cgroup;
  const int64_t wanted = std::clamp<int64_t>(get_int(request, "timeout_ms", 30'000), 1, 600'000);
  auto done = process::run(spawn, std::min(wanted, left_ms), get_string(request, "in"), cancelled);
  if (!done) return pass(done);
  return Json{{"code", done->exit.code},
              {"signal", done->exit.signal},
              {"out", as_text(done->out)},
              {"err", as_text(done->err)}};
}

}  // namespace hyops::plugin
