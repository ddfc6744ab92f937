// How a tool reaches the hosts among its inputs: the runner's own key, pinned host keys, nothing
// else.
#pragma once

#include "engine/drivers/driver.hpp"

namespace hyops::engine {

// Endpoints among the inputs, by the input's name.
std::map<std::string, std::vector<Json>> endpoints_of(const Call& call);

// How long a connection to it may take to come about: behind what may be gone for a while
// (outage_ms of the endpoint) as long as that, and to be dialled again.
int64_t connect_timeout_s(const Json& endpoint);

// Writes known_hosts and ssh_config to the step's folder; returns the path of the latter, for
// `ssh -F`. An endpoint is there by its name and by its address. A key that changed, or a host that
// is no input, is refused by ssh itself (A6).
Result<std::filesystem::path> write_ssh_config(const Call& call, const Setup& setup);

}  // namespace hyops::engine
