// The command line's way to the running daemon: one request over its admin socket.
#pragma once

#include <string>

#include "checks.hpp"
#include "paths.hpp"

namespace hyops::labd {

class AdminClient {
 public:
  // `answer_ms`: how long the daemon may take to answer one request, connecting included. It does
  // all that takes longer as an operation.
  explicit AdminClient(LabPaths paths, int answer_ms = 30'000)
      : paths_(std::move(paths)), answer_ms_(answer_ms) {}

  // A failure of the daemon comes back as the failure that it is; no daemon is `lab.down`, one that
  // takes a request and says nothing `lab.silent`.
  Result<Json> request(const std::string& method, const std::string& target,
                       const Json& body = nullptr, const std::string& key = {}) const;

  // Waits until the operation ends; a failed one is a failure. Returns its result.
  Result<Json> wait(const std::string& operation) const;

 private:
  tl::unexpected<Failure> down(const std::string& why) const;
  LabPaths paths_;
  int answer_ms_;
};

}  // namespace hyops::labd
