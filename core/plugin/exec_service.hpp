// hyops.exec/1: a declared program, run with nothing but what the request and the core put there.
#pragma once

#include <functional>
#include <string>

#include "plugin/programs.hpp"

namespace hyops::plugin {

// Answers {"code","signal","out","err"}. plugin.exec.denied for a program that is not declared,
// plugin.service.request for a request of another shape, plugin.file.*, process.*, file.*.
Result<Json> run_declared(const Json& request, const Programs& programs, const Json& values,
                          int64_t left_ms, const std::function<bool()>& cancelled = {});

}  // namespace hyops::plugin
