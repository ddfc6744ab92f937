// A session of its own for each program, so that what it started ends with it.
#include "dial.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "plugin/sealed.hpp"

namespace hyops::stream_host {

namespace {
constexpr int program_fd = 3;
}

Result<Dial> read_dial(const std::filesystem::path& step_folder) {
  auto text = read_file(step_folder / "dial.json", 1u << 20);
  if (!text) return pass(text);
  auto json = parse_json(*text, "dial.json");
  if (!json) return pass(json);
  Dial dial;
  dial.folder = step_folder;
  for (const auto& argument : json->value("argv", Json::array()))
    if (argument.is_string()) dial.argv.push_back(argument.get<std::string>());
  dial.port = static_cast<int>(get_int(*json, "port"));
  dial.patience_ms = get_int(*json, "patience_ms");
  if (const auto file = get_string(*json, "file"); !file.empty()) {
    auto copy = plugin::sealed_program(file, get_string(*json, "sha256"));
    if (!copy) return pass(copy);
    dial.sealed = std::move(*copy);
    if (!dial.argv.empty()) dial.argv[0] = "/proc/self/fd/" + std::to_string(program_fd);
  }
  return dial;
}

Carrier::~Carrier() {
  // Not reaped yet, or there would be nothing to kill: its number is no stranger's.
  if (child.pidfd() >= 0 && child.pid() > 0) ::kill(-child.pid(), SIGKILL);
}

Result<Carrier> start(const Dial& dial) {
  int to[2], from[2];
  if (::pipe2(to, O_CLOEXEC) != 0) return fail_errno("process.spawn", "cannot make a pipe", errno);
  const Fd to_read(to[0]);
  Fd to_write(to[1]);
  if (::pipe2(from, O_CLOEXEC) != 0)
    return fail_errno("process.spawn", "cannot make a pipe", errno);
  Fd from_read(from[0]);
  const Fd from_write(from[1]);
  process::SpawnRequest request;
  request.argv = dial.argv;
  request.environment = {
      {"PATH", process::default_path}, {"LANG", "C.UTF-8"}, {"HOME", dial.folder.string()}};
  request.directory = dial.folder;
  request.in = to_read.get();
  request.out = from_write.get();
  request.err = STDERR_FILENO;
  request.new_session = true;
  if (dial.sealed) request.extra = {{dial.sealed.get(), program_fd}};
  auto child = process::spawn(request);
  if (!child) return pass(child);
  for (const int fd : {to_write.get(), from_read.get()}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return Carrier(std::move(*child), std::move(to_write), std::move(from_read));
}

}  // namespace hyops::stream_host
