// Names that must not be mixed up have types of their own.
#pragma once

#include <compare>
#include <string>
#include <utility>

namespace hyops {

template <class Tag>
struct Strong {
  std::string value;
  Strong() = default;
  explicit Strong(std::string v) : value(std::move(v)) {}
  auto operator<=>(const Strong&) const = default;
};

using RunId = Strong<struct RunIdTag>;  // "r" + time + randomness, sorts by time of creation
using LaneName = Strong<struct LaneNameTag>;
using PlanDigest = Strong<struct PlanDigestTag>;  // "sha256:..."

RunId new_run_id(int64_t wall_ms);
std::string random_token(size_t bytes = 16);  // lower-case hex from the system's generator

}  // namespace hyops
