// hyops.exec/1: a declared executable, run with nothing but what the request and the core put
// there.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace hyops::plugin {

// Answers {"code","signal","out","err"}. plugin.exec.denied for an executable that is not declared,
// plugin.service.request for a request of another shape, process.*, file.*.
Result<Json> run_declared(const Json& request, const std::vector<std::string>& executables,
                          const Json& values, int64_t left_ms,
                          const std::function<bool()>& cancelled = {});

}  // namespace hyops::plugin
