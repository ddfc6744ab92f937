// hyops.exec/1: a declared program, run with nothing but what the request and the core put there.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/secret.hpp"
#include "plugin/programs.hpp"

namespace hyops::plugin {

// Answers {"code","signal","out","err"}. `cgroup` is where the program begins, or -1. Each of
// `secrets` is a memory file that this program alone has open; "{mark}" in its arguments is the way
// there. plugin.exec.denied for a program that is not declared, plugin.service.request for a
// request of another shape, plugin.file.*, process.*, file.*.
Result<Json> run_declared(const Json& request, const Programs& programs, const Json& values,
                          const std::map<std::string, Secret>& secrets, int cgroup, int64_t left_ms,
                          const std::function<bool()>& cancelled = {});

}  // namespace hyops::plugin
