// The C tables a plugin sees: the call it answers through and the services it may use.
#pragma once

#include <set>
#include <string>

#include "hyops/plugin.h"
#include "plugin-host/wire.hpp"

namespace hyops::plugin_host {

inline std::string_view view(hyops_bytes bytes) {
  return bytes.size ? std::string_view(bytes.data, bytes.size) : "";
}

// A hyops_host is the first thing in it, so that the pointer a plugin hands back leads here.
struct Host {
  hyops_host table;
  Wire* wire;
  std::set<std::string> granted;  // services
};
Host make_host(Wire& wire, std::set<std::string> granted);

struct Call {
  hyops_call_v1 table;
  Wire* wire;
  std::string about;
};
Call make_call(Wire& wire, std::string about);

}  // namespace hyops::plugin_host
