#include "engine/left_open.hpp"

#include <algorithm>

namespace hyops::engine {

bool is_of_access(const plugin::Registry& registry, const std::string& plugin) {
  auto manifest = registry.trusted(plugin);
  if (!manifest) return false;
  const auto& all = manifest->implements;
  return std::find(all.begin(), all.end(), "hyops.access/1") != all.end();
}

Result<std::vector<LeftOpen>> standing_open(const std::string& plugin, const AskAccess& ask) {
  auto seen = ask("observe", {{"hosts", Json::array()}}, "", 0);
  if (!seen) {
    // Modes that leave nothing open where it is enforced cannot be asked without hosts.
    if (seen.error().kind == FailureClass::invalid) return std::vector<LeftOpen>();
    return pass(seen);
  }
  std::vector<LeftOpen> found;
  for (const auto& open : seen->value("opened", Json::array()))
    found.push_back({plugin, get_string(open, "run"), get_string(open, "step"),
                     get_string(open, "key"), get_string(open, "what"),
                     get_int(open, "fencing_token"), get_int(open, "ends_ms")});
  return found;
}

Status close_left_open(const LeftOpen& open, const AskAccess& ask, int64_t fencing_token) {
  auto closed = ask("close", {{"endpoints", Json::array()}}, open.key, fencing_token);
  if (!closed) return pass(closed);
  return {};
}

}  // namespace hyops::engine
