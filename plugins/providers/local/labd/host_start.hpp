// Powers a host on and off: starts its PID 1, plugs its cable in, and ends it again.
#pragma once

#include <functional>

#include "layers.hpp"
#include "paths.hpp"
#include "process_identity.hpp"
#include "zones.hpp"

namespace hyops::labd {

struct PowerOn {
  LabPaths paths;
  std::string name, address, image;
  const Zone* zone = nullptr;
  std::string link;  // name of the router's end of the host's cable, at most 15 characters
  // Called with PID 1's identity before it may touch anything, so that a crash of ours cannot lose
  // it.
  std::function<Done(const ProcessIdentity&)> born;
};

// Returns when sshd of the host listens. To be called in the router's network namespace.
Result<ProcessIdentity> power_on(const PowerOn& order);

enum class Ending : bool { orderly, sudden };

Done power_off(const ProcessIdentity& process, const std::string& link, Ending ending);

}  // namespace hyops::labd
