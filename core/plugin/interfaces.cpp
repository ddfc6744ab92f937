// The order of the verbs here is the order of the members in hyops/plugin.h, checked below.
#include "plugin/interfaces.hpp"

#include <cstddef>

#include "hyops/plugin.h"

namespace hyops::plugin {
namespace {

struct Interface {
  std::string id;
  std::vector<std::string> verbs;
};

const std::vector<Interface>& interfaces() {
  static const std::vector<Interface> all{
      {"hyops.provider/1", {"plan", "apply", "observe", "release"}},
      {"hyops.egress/1", {"plan", "apply", "observe", "prove", "release"}},
      {"hyops.access/1", {"prove", "open", "observe", "close"}},
      {"hyops.secret/1", {"probe", "resolve", "store", "transition"}}};
  return all;
}

constexpr size_t nth(size_t verb) { return 8 + verb * sizeof(hyops_verb); }
static_assert(offsetof(hyops_provider_v1, apply) == nth(1) &&
              offsetof(hyops_provider_v1, observe) == nth(2));
static_assert(offsetof(hyops_egress_v1, apply) == nth(1) &&
              offsetof(hyops_egress_v1, observe) == nth(2));
static_assert(offsetof(hyops_access_v1, open) == nth(1) &&
              offsetof(hyops_access_v1, observe) == nth(2));
static_assert(offsetof(hyops_secret_v1, resolve) == nth(1) &&
              offsetof(hyops_secret_v1, store) == nth(2));

}  // namespace

const std::vector<std::string>& verbs_of(std::string_view interface) {
  static const std::vector<std::string> none;
  for (const auto& known : interfaces())
    if (known.id == interface) return known.verbs;
  return none;
}

std::vector<std::string> all_interfaces() {
  std::vector<std::string> ids;
  for (const auto& known : interfaces()) ids.push_back(known.id);
  return ids;
}

const std::vector<std::string>& all_services() {
  static const std::vector<std::string> all{
      "hyops.log/1",         "hyops.clock/1",  "hyops.http/1",  "hyops.exec/1",
      "hyops.secret_sink/1", "hyops.unseal/1", "hyops.stream/1"};
  return all;
}

}  // namespace hyops::plugin
