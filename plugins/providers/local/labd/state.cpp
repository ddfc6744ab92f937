// Everything the lab remembers, as one document on disk.
#include "state.hpp"

#include "files.hpp"

namespace hyops::labd {
namespace {

template <class T>
Result<T> parse(const fs::path& path, const std::string& text) {
  try {
    return nlohmann::json::parse(text).get<T>();
  } catch (const nlohmann::json::exception& e) {
    return fail(500, "state.damaged", path.string() + " cannot be read: " + e.what(),
                "take the lab down and up again: hyops-labd down, then hyops-labd up");
  }
}

}  // namespace

Result<State> load_state(const LabPaths& paths) {
  const auto text = read_file(paths.state());
  if (!text) return State{};
  return parse<State>(paths.state(), *text);
}

Done save_state(const LabPaths& paths, const State& state) {
  return write_atomic(paths.state(), nlohmann::json(state).dump() + "\n", 0600);
}

Result<Marker> load_marker(const LabPaths& paths) {
  const auto text = read_file(paths.marker());
  if (!text) {
    return fail(404, "lab.absent", "there is no lab in " + paths.dir.string(),
                "bring one up: hyops-labd up --dir " + paths.dir.string());
  }
  return parse<Marker>(paths.marker(), *text);
}

Done save_marker(const LabPaths& paths, const Marker& marker) {
  return write_atomic(paths.marker(), nlohmann::json(marker).dump(1) + "\n", 0600);
}

}  // namespace hyops::labd
