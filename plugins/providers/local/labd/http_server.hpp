// Serves the API: one listener per zone gateway and one on a socket that only root may use.
#pragma once

#include <functional>

#include "api.hpp"
#include "paths.hpp"

namespace hyops::labd {

// Listens, calls `listening` and serves until SIGTERM or SIGINT. To be called in the router's
// namespace.
Done serve_http(Api& api, const LabPaths& paths, const std::function<void()>& listening);

}  // namespace hyops::labd
