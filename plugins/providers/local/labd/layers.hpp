// The part of a host that survives power-off: its writable layers on disk, blank where the machine
// has secrets.
#pragma once

#include <string>
#include <vector>

#include "error.hpp"
#include "files.hpp"

namespace hyops::labd {

struct HostSpec {
  std::string name;
  std::string zone;
  std::string address;
  std::string image;
  std::vector<std::string> authorized_keys;
};

// Makes everything below `dir`, which must not exist. Returns the host key: "ssh-ed25519 AAAA...".
Result<std::string> make_layers(const fs::path& dir, const HostSpec& spec);

}  // namespace hyops::labd
