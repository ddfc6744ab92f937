// The command line's way to the running daemon: one request over its admin socket.
#pragma once

#include <string>

#include "checks.hpp"
#include "paths.hpp"

namespace hyops::labd {

class AdminClient {
 public:
  explicit AdminClient(LabPaths paths) : paths_(std::move(paths)) {}

  // A failure of the daemon comes back as the failure that it is; no daemon is `lab.down`.
  Result<Json> request(const std::string& method, const std::string& target,
                       const Json& body = nullptr, const std::string& key = {}) const;

  // Waits until the operation ends; a failed one is a failure. Returns its result.
  Result<Json> wait(const std::string& operation) const;

 private:
  LabPaths paths_;
};

}  // namespace hyops::labd
