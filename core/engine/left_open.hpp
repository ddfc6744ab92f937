// What access plugins say stands open in a lane, whoever opened it, and how it is closed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plugin/registry.hpp"

namespace hyops::engine {

struct LeftOpen {
  std::string plugin;         // empty: an endpoint at this machine (hyops.stream/1)
  std::string run, step;      // whose
  std::string key, what;      // what it is closed by; what it is, in words
  int64_t fencing_token = 0;  // under which it was opened
  int64_t ends_ms = 0;        // wall clock; when it closes by itself
};

// One verb of an access plugin, outside any step of a plan.
using AskAccess = std::function<Result<Json>(const std::string& verb, const Json& inputs,
                                             const std::string& key, int64_t fencing_token)>;

bool is_of_access(const plugin::Registry& registry, const std::string& plugin);

// Asked where it is enforced, so that neither the runner that opened it nor its ledger is needed.
// Nothing for modes that leave nothing open there.
Result<std::vector<LeftOpen>> standing_open(const std::string& plugin, const AskAccess& ask);

Status close_left_open(const LeftOpen& open, const AskAccess& ask, int64_t fencing_token);

}  // namespace hyops::engine
